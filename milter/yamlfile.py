"""YAML into declared types, with errors that name file, line, key and the nearest valid key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from milter.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)
# What pydantic asks for, in the words of somebody who writes YAML.
PLAIN = {
    "bool": "must be true or false",
    "dict": "must be keys with values, such as {key: value}",
    "float": "must be a number",
    "frozen_set": "must be a list, such as [a, b]",
    "int": "must be a whole number",
    "list": "must be a list, such as [a, b]",
    "model": "must be keys with values, such as {key: value}",
    "path": "must be a path",
    "string": "must be text, in quotes",
    "tuple": "must be a list, such as [a, b]",
}
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UniqueKeyLoader(Loader):  # type: ignore[misc, valid-type]
    """YAML itself lets a repeated key silently win; here it is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key '{key}' is given twice", key_node.start_mark)
            seen.add(key)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A parsed file that still knows where it came from."""

    path: Path
    text: str
    data: Any

    def line(self, location: Sequence[str | int]) -> int:
        """The line (from 1) of the deepest part of a location that the file has."""
        node = yaml.compose(self.text, Loader=Loader)
        line = 1
        for step in location:
            child = _child(node, step)
            if child is None:
                break
            node, line = child
        return line


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step].start_mark.line + 1
    return None


def read_yaml(path: Path) -> YamlFile:
    """Read one YAML file. Raises ConfigError if it is missing, unreadable or not YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise ConfigError(f"{path}: cannot be read ({reason}): check the path and its permissions") from error
    try:
        return YamlFile(path, text, yaml.load(text, Loader=_UniqueKeyLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = min(mark.line, text.count("\n")) + 1 if mark else 1
        problem = getattr(error, "problem", None) or "cannot be parsed"
        raise ConfigError(f"{path}:{line}: not valid YAML: {problem}") from error


def validate(model: type[Model], file: YamlFile) -> Model:
    """Turn a file into its declared type. Raises ConfigError with the first fault."""
    data = {} if file.data is None else file.data
    if not isinstance(data, dict):
        raise ConfigError(f"{file.path}:1: must be a mapping of keys to values")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_sentence(model, file, error)) from error


def fault(message: str, *location: str | int) -> ValidationError:
    """What a validator raises to blame a part of its value."""
    error = PydanticCustomError("value_error", "{message}", {"message": message})
    return ValidationError.from_exception_data("fault", [InitErrorDetails(type=error, loc=location, input=None)])


def _sentence(model: type[BaseModel], file: YamlFile, error: ValidationError) -> str:
    # A union reports each branch; the deepest fault is the one that the author meant, our own words before pydantic's.
    faults = error.errors(include_url=False)
    fault = max(faults, key=lambda e: (len(_known(file.data, e["loc"])), e["type"] == "value_error"))
    location = _known(file.data, fault["loc"])
    key = ".".join(str(step) for step in location) or "the file"
    message = _plain(fault)
    if fault["type"] == "extra_forbidden":
        message = "is not a known key"
        near = difflib.get_close_matches(str(location[-1]), _keys_at(model, location[:-1]), n=1, cutoff=0.5)
        message += (
            f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(_keys_at(model, location[:-1]))}"
        )
    elif fault["type"] == "missing":
        key, message = ".".join(map(str, [*location, fault["loc"][-1]])), "is missing"
    return f"{file.path}:{file.line(location)}: {key}: {message}"


def _plain(fault: ErrorDetails) -> str:
    kind = re.sub("_(type|parsing|from_float)$", "", fault["type"])
    if kind in PLAIN:
        return PLAIN[kind]
    return fault["msg"].removeprefix("Value error, ").replace("Input should be", "must be", 1)


def _known(data: Any, location: Sequence[str | int]) -> list[str | int]:
    """The steps of a pydantic location that exist in the data (it also names union branches)."""
    steps: list[str | int] = []
    for step in location:
        inside_list = isinstance(data, list) and isinstance(step, int) and step < len(data)
        if not inside_list and not (isinstance(data, dict) and step in data):
            continue
        data = data[step]
        steps.append(step)
    return steps


def _keys_at(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """The valid keys of the model that a location leads to."""
    current: type[BaseModel] = model
    for step in location:
        if isinstance(step, str) and step in current.model_fields:
            inner = _models_in(current.model_fields[step].annotation)
            if inner:
                current = inner[0]
    return sorted(field.alias or name for name, field in current.model_fields.items())


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for inner in getattr(annotation, "__args__", ()) for found in _models_in(inner)]
