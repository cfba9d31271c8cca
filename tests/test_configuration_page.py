"""docs/configuration.md says of every setting what it is, and every setting does something."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest

from milter.config import Config

ROOT = Path(__file__).parents[1]
SPEC = importlib.util.spec_from_file_location("write_configuration", ROOT / "tools" / "write_configuration.py")
assert SPEC
assert SPEC.loader
write_configuration = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(write_configuration)

PAGE = write_configuration.PAGE.read_text(encoding="utf-8")
SECTIONS = {name: model for name, _, model in write_configuration.sections()}
# Every setting: its section ("" for none) and its name.
KEYS = [
    *(("", name) for name in Config.model_fields),
    *((section, name) for section, model in SECTIONS.items() for name in model.model_fields),
]


def last_name(node: ast.expr) -> str:
    """What a variable or an attribute is called, without underscores in front."""
    return (node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")).lstrip("_")


def attributes(*nodes: ast.AST) -> set[tuple[str, str]]:
    """The holder and the name of each `holder.name` in these, and of each `name(holder)`."""
    found = set()
    for node in (inner for outer in nodes for inner in ast.walk(outer)):
        if isinstance(node, ast.Attribute):
            found.add((last_name(node.value), node.attr))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found.update((last_name(argument), node.func.id) for argument in node.args)
    return found


def parsed(*files: Path) -> list[ast.Module]:
    return [ast.parse(path.read_text(encoding="utf-8")) for path in files]


DECLARATIONS = [*(ROOT / "milter" / "config").glob("*.py")]
LOOKED_UP = attributes(*parsed(*(path for path in (ROOT / "milter").rglob("*.py") if path not in DECLARATIONS)))
# What settings conclude from settings (config.server_id), and from which.
CONCLUSIONS = {
    node.name: {name for holder, name in attributes(node) if holder in {"self", "config"}}
    for module in parsed(*DECLARATIONS)
    for node in ast.walk(module)
    if isinstance(node, ast.FunctionDef)
}


def is_used(name: str, holders: set[str]) -> bool:
    """Whether the package asks one of these variables for it, or for what follows from it."""
    names = {name, *(conclusion for conclusion, sources in CONCLUSIONS.items() if name in sources)}
    return any(holder in holders and looked_for in names for holder, looked_for in LOOKED_UP)


def test_the_page_is_what_the_declarations_say() -> None:
    assert write_configuration.page() == PAGE, "run tools/write_configuration.py"


@pytest.mark.parametrize(("section", "name"), KEYS)
def test_each_setting_is_documented(section: str, name: str) -> None:
    model = SECTIONS[section] if section else Config
    description = model.model_fields[name].description
    assert description
    row = f"| `{section}.{name}` |" if section else f"| `{name}` |"
    (line,) = [line for line in PAGE.splitlines() if line.startswith(row)]
    assert line.endswith(f"| {description} |")
    assert all(cell.strip() for cell in line.split(" | "))


@pytest.mark.parametrize(("section", "name"), KEYS)
def test_each_setting_is_used(section: str, name: str) -> None:
    # Variables with all settings, or with those of the section alone.
    assert is_used(name, {section, "settings"} if section else {"config", "settings"})


def test_an_unused_setting_would_be_found() -> None:
    assert not is_used("listens", {"config", "settings"})
    assert not is_used("retention_days", {"config"})


def test_parts_of_the_page_begin_with_settings_that_exist() -> None:
    assert set(write_configuration.PARTS) <= set(Config.model_fields)
