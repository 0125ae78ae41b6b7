from __future__ import annotations

import ast
import inspect

import eagleray
from eagleray import errors
from tests.architecture.public_surface import KEPT, describe_surface


def test_the_public_names_and_their_signatures_are_those_that_are_kept():
    assert describe_surface() == KEPT.read_text(encoding="utf-8"), (
        "write the new surface: python -m tests.architecture.public_surface"
    )


def test_every_error_is_public():
    kinds = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.EagleRayError)
    }
    assert kinds - set(eagleray.__all__) == set()


def test_type_checkers_are_told_of_the_names_that_are_there_when_it_runs():
    tree = ast.parse(inspect.getsource(eagleray))
    branch = next(node for node in tree.body if isinstance(node, ast.If))
    told = {alias.asname or alias.name for node in branch.body for alias in node.names}
    assert told | {"__version__"} == set(eagleray.__all__)


def test_every_public_name_says_what_it_is():
    silent = [name for name in eagleray.__all__ if not (getattr(eagleray, name).__doc__ or "").strip()]
    assert silent == []


def test_a_name_that_is_not_there_is_an_attribute_error():
    assert not hasattr(eagleray, "opne")
    assert set(eagleray.__all__) <= set(dir(eagleray))
