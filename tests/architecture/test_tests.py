"""What a test may not do: pass without an assertion, read what is private, wait for a while."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.trees import list_functions, list_modules, name_called, name_path, parse

FOREIGN = {
    "os._exit": "ends a forked process without what its parent would do at its own end",
    "asyncio.events.Handle._run": "one step of an event loop, which asyncio tells nowhere else",
    "ending.worker._global_node": "the node that Ray began in this process",
    "_bound_deployment": "what Ray Serve is told of a part before anything is started",
    "_deployment_config": "as above: its replicas",
}
"""Private names of other projects that have no public view: a whole name, or that of an attribute."""

NAMED_TUPLES = {"_asdict", "_replace", "_fields"}
"""Attributes of named tuples that are public although they begin so."""

RAISING = {"raises", "warns", "fail"}
NAMING = {"setattr", "getattr", "hasattr", "delattr"}
"""What is given an attribute's name as a text: built in, and of a `monkeypatch`."""


def is_checked(function):
    """Return whether a function asserts by itself."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = name_called(node)
            if name.startswith("assert_") or (
                name in RAISING and ast.unparse(node.func).startswith("pytest.")
            ):
                return True
        if isinstance(node, ast.Raise) and node.exc and "AssertionError" in ast.unparse(node.exc):
            return True
    return False


def list_calls(function):
    return {name_called(node) for node in ast.walk(function) if isinstance(node, ast.Call)}


def find_checking(functions):
    """Return the names of functions that assert, or call one that does."""
    checking = {function.name for function in functions if is_checked(function)}
    while True:
        more = {f.name for f in functions if f.name not in checking and list_calls(f) & checking}
        if not more:
            return checking
        checking |= more


def is_private(name):
    is_known = name in NAMED_TUPLES or name.startswith("__")
    return name.startswith("_") and not is_known


def name_by_text(call):
    """Yield owner and name of what a call is given by name, but for a constant that it sets."""
    first, second = (getattr(part, "value", None) for part in call.args[:2])
    owner, name = (
        first.rpartition(".")[::2] if isinstance(first, str) else (ast.unparse(call.args[0]), second)
    )
    if isinstance(name, str) and not (name.isupper() and name_called(call) == "setattr"):
        yield owner, name


def list_named(tree):
    """Yield owner and name of each attribute of a file, also of those it imports or names by a text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield ast.unparse(node.value), node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Call) and name_called(node) in NAMING:
            yield from name_by_text(node)


def list_private(tree):
    """Yield the private names that a file uses of what is neither its own, inherited, nor `FOREIGN`.

    A constant may be set all the same, for a test to be small.
    """
    for owner, name in list_named(tree):
        is_own = owner in ("self", "cls", "super()")
        if is_private(name) and not is_own and not {name, f"{owner}.{name}"} & FOREIGN.keys():
            yield f"{owner}.{name}"


def list_sleeps(tree):
    """Yield the calls that let time pass, also by waiting for an event that nobody can set.

    `asyncio.sleep(0)` only lets others go on; an event without a time limit is waited for without end.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_called(node) == "sleep":
            yield from {ast.unparse(node)} - {"asyncio.sleep(0)"}
        elif isinstance(node, ast.Call) and name_called(node) == "wait" and (node.args or node.keywords):
            owner = getattr(node.func, "value", None)
            if isinstance(owner, ast.Call) and name_called(owner) == "Event":
                yield ast.unparse(node)


def find_files(folder, find):
    return {name_path(path) for path in list_modules(folder) if any(find(parse(path)))}


def test_every_test_asserts_something():
    paths = list_modules("tests", "eagleray/testing")
    checking = find_checking([function for path in paths for function in list_functions(path)])
    blind = [
        f"{name_path(path)}::{function.name}"
        for path in paths
        for function in list_functions(path)
        if function.name.startswith("test_") and function.name not in checking
    ]
    assert blind == []


def test_no_test_reads_a_private_attribute():
    assert find_files("tests", list_private) == set()


def test_no_unit_test_sleeps():
    assert find_files("tests/unit", list_sleeps) == set()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("x._y", ["x._y"]),
        ("x.y._z()", ["x.y._z"]),
        ("super()._y; self._y; cls._y; x.__class__; x._replace(y=1)", []),
        ("os._exit(1); bound._deployment_config", []),
        ("other._exit(1)", ["other._exit"]),
        ("from x import _y", ["x._y"]),
        ("monkeypatch.setattr(x, '_y', 1)", ["x._y"]),
        ("monkeypatch.setattr('x.y._z', 1)", ["x.y._z"]),
        ("getattr(x, '_y')", ["x._y"]),
        ("monkeypatch.setattr(x, '_BLOCK', 1)", []),
    ],
)
def test_private_names_of_the_project_are_found(line, found):
    assert list(list_private(ast.parse(line))) == found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("time.sleep(1)", ["time.sleep(1)"]),
        ("asyncio.sleep(0)", []),
        ("threading.Event().wait(0.1)", ["threading.Event().wait(0.1)"]),
        ("asyncio.Event().wait()", []),
        ("released.wait(20)", []),
    ],
)
def test_pauses_are_found(line, found):
    assert list(list_sleeps(ast.parse(line))) == found


def test_assertions_are_found():
    assert find_checking(ast.parse("def test_a():\n    x._y\n").body) == set()
    for line in ("assert x", "with pytest.raises(E): f()", "np.testing.assert_allclose(a, b)"):
        assert find_checking(ast.parse(f"def test_a():\n    {line}\n").body) == {"test_a"}
