"""What a test may not do: pass without an assertion, read what is private, wait for a while."""

from __future__ import annotations

import ast

from tests.architecture.trees import list_functions, list_modules, name_called, name_path, parse

PRIVATE = {
    "tests/integration/redis/test_sharing.py",
    "tests/integration/stream_writer.py",
    "tests/integration/test_writing_replicas.py",
    "tests/unit/indexes/searching/batch/test_boosts.py",
    "tests/unit/indexes/searching/batch/test_searcher.py",
    "tests/unit/indexes/searching/batch/test_words.py",
    "tests/unit/indexes/searching/test_channels.py",
    "tests/unit/indexes/searching/test_segment_threads.py",
    "tests/unit/serve/audit/test_audit_writer.py",
    "tests/unit/serve/deployments/test_ending.py",
    "tests/unit/serve/engine/test_publications.py",
    "tests/unit/serve/http/middleware/test_admission.py",
    "tests/unit/serve/http/openai/test_embeddings.py",
    "tests/unit/serve/http/tei/test_embeddings.py",
    "tests/unit/serve/http/test_loop_lag.py",
    "tests/unit/serve/identity/test_key_checking.py",
    "tests/unit/serve/test_app.py",
}
"""Files that read a private attribute still; the list may only get shorter."""

SLEEPING = {
    "tests/unit/serve/audit/test_audit_writer.py",
    "tests/unit/serve/composition/test_many_collections.py",
    "tests/unit/serve/composition/test_searches.py",
    "tests/unit/serve/engine/test_reranking.py",
    "tests/unit/serve/engine/test_searching.py",
    "tests/unit/serve/engine/test_snapshot_pool.py",
    "tests/unit/serve/engine/test_threads.py",
    "tests/unit/serve/engine/test_uncancellable.py",
    "tests/unit/serve/engine/test_watching.py",
    "tests/unit/serve/http/middleware/test_body_limit.py",
    "tests/unit/serve/http/native/test_written.py",
    "tests/unit/serve/http/test_hostile_texts.py",
}
"""Files of `tests/unit` that sleep still: to see that nothing happens, or to be slow."""

NAMED_TUPLES = {"_asdict", "_replace", "_fields"}
"""Attributes of named tuples that are public although they begin so."""

RAISING = {"raises", "warns", "fail"}


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


def list_private(tree):
    """Yield the private attributes that are read of anything but a class's own `self`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if owner not in ("self", "cls") and node.attr not in NAMED_TUPLES:
                yield ast.unparse(node)


def list_sleeps(tree):
    """Yield the calls that sleep; `asyncio.sleep(0)` only lets others go on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_called(node) == "sleep":
            yield from {ast.unparse(node)} - {"asyncio.sleep(0)"}


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
    assert find_files("tests", list_private) - PRIVATE == set()


def test_no_unit_test_sleeps():
    assert find_files("tests/unit", list_sleeps) - SLEEPING == set()


def test_what_may_not_be_done_is_found():
    tree = ast.parse("def test_a():\n    x._y\n    self._z\n    time.sleep(1)\n    asyncio.sleep(0)\n")
    assert list(list_private(tree)) == ["x._y"]
    assert list(list_sleeps(tree)) == ["time.sleep(1)"]
    assert find_checking(list(tree.body)) == set()
    for line in ("assert x", "with pytest.raises(E): f()", "np.testing.assert_allclose(a, b)"):
        assert find_checking(ast.parse(f"def test_a():\n    {line}\n").body) == {"test_a"}
