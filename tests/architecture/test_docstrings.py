"""Nothing in a docstring or comment leads nowhere: files, folders and benchmarks that it names are there."""

from __future__ import annotations

import re

import pytest

from tests.architecture.trees import PACKAGES, ROOT, list_modules, name_path

FOLDERS = (
    *PACKAGES,
    "benchmarks",
    "cluster",
    "docs",
    "examples",
    "notebooks",
    "requirements",
    "tests",
    "tools",
)
NAMED = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]+)`")
BENCHMARK = re.compile(r"`(?:python -m )?benchmarks\.(\w+)`")
ELSEWHERE = {"docs/openapi.json"}
"""Files of other projects that a source is cited from."""

MODULES = list_modules(*PACKAGES, "benchmarks", "examples", "tools")


def is_there(path):
    return (ROOT / path).exists() or (ROOT / f"{path}.py").exists()


@pytest.mark.parametrize("path", MODULES, ids=name_path)
def test_what_a_module_names_is_there(path):
    text = path.read_text(encoding="utf-8")
    assert [name for name in NAMED.findall(text) if not is_there(name) and name not in ELSEWHERE] == []
    assert [name for name in BENCHMARK.findall(text) if not is_there(f"benchmarks/{name}.py")] == []


def test_names_are_found_and_held_against_the_tree():
    assert NAMED.findall("see `serve/engine/threads.py` and `docs/audit.md`") == [
        "serve/engine/threads.py",
        "docs/audit.md",
    ]
    assert BENCHMARK.findall("`python -m benchmarks.asof` and `benchmarks.lexical`") == ["asof", "lexical"]
    assert not is_there("serve/engine/nothing.py")
