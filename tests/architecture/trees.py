"""The project's own files, parsed once for the tests of this folder."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("eagleray", "indexes", "ray_jobs", "serve")
TESTS = ROOT / "tests"


@lru_cache
def list_modules(*folders: str) -> tuple[Path, ...]:
    """Return the modules below folders of the project, in the order of their paths."""
    return tuple(path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name_path(path: Path) -> str:
    """Return a file's path below the project's root."""
    return path.relative_to(ROOT).as_posix()


def name_module(path: Path) -> str:
    """Return the dotted name a file is imported by."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def list_imports(path: Path) -> Iterator[tuple[ast.stmt, str]]:
    """Yield each import of a file, wherever it stands, with the module or name it asks for."""
    package = name_module(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node, f"{origin}.{alias.name}") for alias in node.names)


def is_for_types_alone(path: Path, node: ast.stmt) -> bool:
    """Return whether a statement stands below `if TYPE_CHECKING`."""
    return id(node) in _list_typing(path)


@cache
def _list_typing(path: Path) -> frozenset[int]:
    branches = [
        branch
        for branch in ast.walk(parse(path))
        if isinstance(branch, ast.If)
        and isinstance(branch.test, ast.Name)
        and branch.test.id == "TYPE_CHECKING"
    ]
    return frozenset(id(inner) for branch in branches for part in branch.body for inner in ast.walk(part))


def list_functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield each function of a file, those within others and in classes with them."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def name_called(call: ast.Call) -> str:
    """Return the last part of the name that is called: `sleep` of `time.sleep(1)`."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
