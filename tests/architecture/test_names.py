"""A public name means one thing in the whole tree."""

from __future__ import annotations

import ast
from collections import defaultdict

from tests.architecture.trees import PACKAGES, list_modules, name_path, parse


def list_classes(folders):
    """Return each public class with the files that define one of its name."""
    found = defaultdict(list)
    for path in list_modules(*folders):
        for node in parse(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(name_path(path))
    return found


def test_no_public_class_name_stands_twice():
    classes = list_classes((*PACKAGES, "benchmarks", "examples", "tools"))
    assert {name: paths for name, paths in classes.items() if len(paths) > 1} == {}
