"""Imports run one way: each part imports only from parts above it in this list."""

import ast
from pathlib import Path

import milter

PACKAGE = Path(milter.__file__).parent
LAYERS = [
    "errors", "garbage", "hyperscans", "disk", "model", "yamlfile", "addresses", "config", "observe", "policies",
    "i18n", "templates", "reason", "reporting", "advice", "content", "sender", "signals", "engine", "pipeline",
    "inspector",
    "store", "evidence", "actions", "digest", "frontends", "postfix", "cli",
]  # fmt: skip
# What the pure core must not touch: it gets time, answers and files as arguments.
PURE = (
    "content",
    "signals",
    "pipeline.py",
    "policies.py",
    "addresses.py",
    "reason.py",
    "model.py",
    "engine/matcher.py",
    "engine/score.py",
    "engine/program.py",
)
IMPURE = {
    "asyncio",
    "datetime",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "subprocess",
    "sys",
    "tempfile",
    "time",
}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def layer(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def modules() -> list[Path]:
    return [p for p in PACKAGE.rglob("*.py") if layer(p) not in ("__init__", "__main__", "data")]


def test_every_part_has_its_place() -> None:
    assert {layer(p) for p in modules()} <= set(LAYERS)


def test_imports_run_one_way() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in modules()
        for name in imports(path)
        if name.startswith("milter.") and name.split(".")[1] in LAYERS
        and LAYERS.index(name.split(".")[1]) > LAYERS.index(layer(path))
    ]  # fmt: skip
    assert wrong == []


def test_the_core_has_no_clock_network_disk_or_environment() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in modules()
        if any(str(path.relative_to(PACKAGE)).startswith(pure) for pure in PURE)
        for name in imports(path)
        if name.split(".")[0] in IMPURE
    ]
    assert wrong == []
