"""Write docs/configuration.md from the declarations in milter/config: each key, its type, default and meaning.

python tools/write_configuration.py            write the page
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo

from milter.addresses import normal_pattern
from milter.config import Address, Config, LmtpNextHop, MaildirNextHop, PolicyPart, SmtpNextHop, UnixAddress
from milter.config.base import Section
from milter.config.quarantine import one_address, web_root

PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"
INTRODUCTION = """\
# Configuration

Made by `tools/write_configuration.py` from the declarations in [milter/config](../milter/config/__init__.py).

Settings are one YAML file, `/etc/blackmail-filter/config.yaml` or that of `-c FILE`. Leave out what stays as it is.
[config.example.yaml](../config.example.yaml) has every key with its default and the reason for it. A key that does not
exist, or a value that does not fit, is refused with file, line and the nearest valid key: by
`blackmail-filter check -c FILE` before the server meets it, and by a running server that is to reload (SIGHUP), which
keeps its old settings then. A relative path counts from the folder in which the server was started.
"""
# Where a new part of the table of plain keys begins.
PARTS = {
    "listen": "Where mail comes in and goes",
    "mode": "What is done at all",
    "trusted_clients": "Who may send, and who we are",
    "own_domains": "Who sent it",
    "rules": "Rules, and words for people",
    "policies": "Recipients that are different",
    "on_error": "Faults and limits",
    "log_addresses": "Logs, monitoring, processes",
}
NAMES: Mapping[object, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    Path: "path",
    NoneType: "null",
    Address: "`host:port`",
    UnixAddress: "`unix:/PATH`",
    SmtpNextHop: "`smtp://host:port` or `smtp+unix:PATH`",
    LmtpNextHop: "`lmtp://host:port` or `lmtp+unix:PATH`",
    MaildirNextHop: "`maildir:PATH`",
    normal_pattern: "address or domain",
    one_address: "mail address",
    web_root: "`https://HOST/`",
}
NUMBERS = ("number", "whole number")
PLURALS = {"address or domain": "addresses and domains", "network": "networks", "path": "paths", "text": "texts"}


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *_plain_keys(), *(line for part in sections() for line in _section(*part))])


def sections(model: type[BaseModel] = Config) -> Iterator[tuple[str, FieldInfo, type[Section]]]:
    """Name, declaration and type of each key that has keys of its own, in order."""
    for name, field in model.model_fields.items():
        if inner := section_of(field):
            yield name, field, inner


def section_of(field: FieldInfo) -> type[Section] | None:
    """The type of a key that has keys of its own."""
    kinds = [kind for kind in (field.annotation, *get_args(field.annotation)) if isinstance(kind, type)]
    return next((kind for kind in kinds if issubclass(kind, Section) and kind is not PolicyPart), None)


def _plain_keys() -> Iterator[str]:
    for name, field in Config.model_fields.items():
        if name in PARTS:
            yield from (f"## {PARTS[name]}", "", *_HEAD)
        yield _row(name, field, link=f"[below](#{name})" if section_of(field) else "")
        if _next_part(name):
            yield ""


_HEAD = ("| key | type | default | meaning |", "|---|---|---|---|")


def _next_part(name: str) -> bool:
    """Whether a part of the table ends with this key."""
    names = [*Config.model_fields]
    after = names[names.index(name) + 1 :]
    return not after or after[0] in PARTS


def _section(name: str, field: FieldInfo, model: type[Section]) -> Iterator[str]:
    yield from (f"## {name}", "", str(field.description), "")
    yield from _HEAD
    for key, inner in model.model_fields.items():
        yield _row(key, inner, prefix=f"{name}.")
    yield ""


def _row(name: str, field: FieldInfo, *, prefix: str = "", link: str = "") -> str:
    cells = f"`{prefix}{name}`", link or type_in_words(field), _default(field), str(field.description)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def type_in_words(field: FieldInfo) -> str:
    """What may be written there."""
    words = _within(field.metadata, _choices(field.annotation, field.metadata))
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _choices(kind: Any, metadata: list[Any]) -> list[str]:
    """The forms that a value may have."""
    for one in metadata:
        if isinstance(one, AfterValidator) and one.func in NAMES:
            return [NAMES[one.func]]
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _within(list(inner[1:]), _choices(inner[0], list(inner[1:])))
    if origin is Literal:
        return [f"`{value}`" for value in inner]
    if set(inner) == {IPv4Network, IPv6Network}:
        return ["network"]
    if origin in (Union, UnionType):
        return [words for one in inner for words in _choices(one, [])]
    return [_structure(origin, inner) if origin else NAMES[kind]]


def _structure(origin: Any, inner: tuple[Any, ...]) -> str:
    """A list or a mapping."""
    each = _choices(inner[0], [])
    if origin is dict:
        return f"for each {each[0]}, keys of [policy](#policy)"
    if len(each) > 1:
        return f"{', '.join(each)}, a list of these"
    return f"list of {PLURALS[each[0]]}"


def _within(metadata: list[Any], choices: list[str]) -> list[str]:
    """The same choices, numbers with their limits."""
    limits = " and ".join(limit for limit in map(_limit, metadata) if limit)
    return [f"{one} {limits}".strip() if one in NUMBERS else one for one in choices]


def _limit(one: object) -> str:
    match one:
        case annotated_types.Ge(ge=bound):
            return f"≥ {bound}"
        case annotated_types.Gt(gt=bound):
            return f"> {bound}"
        case annotated_types.Le(le=bound):
            return f"≤ {bound}"
    return ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    if field.default_factory is socket.getfqdn:
        return "this machine's full name"
    if field.default_factory is not None:
        return "as below"
    return f"`{_written(field.default)}`"


def _written(value: object) -> str:
    """A value as YAML has it."""
    match value:
        case bool() | None:
            return "null" if value is None else str(value).lower()
        case MaildirNextHop():
            return f"maildir:{value.path}"
        case tuple() | frozenset():
            each = [_written(one) for one in value]
            return each[0] if len(each) == 1 else f"[{', '.join(each)}]"
        case str() if value.isdigit():
            return f'"{value}"'
        case dict():
            return "{}"
    return str(value)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
