"""The drawing in `eagleray/errors.py` is the tree of its classes."""

from __future__ import annotations

import re

from eagleray import errors

LINE = re.compile(r"^(?P<before>[│ ]*)[├└]── (?P<name>\w+) {2,}(?P<told>\S.*)$", re.M)


def read_drawing(text):
    """Return each error that is drawn with the one it hangs on, in the order of the lines."""
    above, found = [errors.EagleRayError.__name__], []
    for line in LINE.finditer(text):
        depth = len(line["before"]) // 4 + 1
        found.append((line["name"], above[depth - 1]))
        above[depth:] = [line["name"]]
    return found


def list_classes():
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.EagleRayError)
    ]
    return [(kind.__name__, kind.__base__.__name__) for kind in kinds if kind is not errors.EagleRayError]


def test_every_error_is_drawn_once_below_the_one_it_is_a_kind_of():
    assert sorted(read_drawing(errors.__doc__)) == sorted(list_classes())


def draw(edges, above=errors.EagleRayError.__name__, before=""):
    """Yield the lines of a tree without what is told of each, children in the order they are given."""
    children = [name for name, parent in edges if parent == above]
    for name in children:
        is_last = name == children[-1]
        yield f"{before}{'└' if is_last else '├'}── {name}"
        yield from draw(edges, name, before + ("    " if is_last else "│   "))


def test_the_branches_are_drawn_as_the_tree_has_them():
    lines = [line for line in errors.__doc__.splitlines() if "──" in line]
    assert [line.rsplit("  ", 1)[0].rstrip() for line in lines] == list(draw(read_drawing(errors.__doc__)))


def test_a_drawing_is_read_by_how_far_its_lines_are_indented():
    drawing = "A\n├── B   one\n│   └── C   two\n└── D   three\n"
    assert read_drawing(drawing) == [("B", "EagleRayError"), ("C", "B"), ("D", "EagleRayError")]
