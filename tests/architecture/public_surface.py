"""The public names of the package as text: a line for each name, argument or field.

`python -m tests.architecture.public_surface` writes it to `public_surface.txt`, which a test holds the
package against: a changed line there is a changed promise.
"""

from __future__ import annotations

import inspect
from dataclasses import fields, is_dataclass
from enum import Enum
from importlib import import_module
from pathlib import Path

KEPT = Path(__file__).with_suffix(".txt")
MODULES = ("eagleray", "eagleray.testing")


def describe_surface() -> str:
    return "\n".join(line for module in MODULES for line in _describe_module(import_module(module))) + "\n"


def _describe_module(module):
    for name in sorted(module.__all__):
        shown, value = f"{module.__name__}.{name}", getattr(module, name)
        if inspect.isclass(value):
            yield from _describe_class(shown, value)
        elif callable(value):
            yield f"{shown}{_describe_signature(value)}"
        else:
            yield shown


def _describe_class(shown, kind):
    bases = ", ".join(base.__name__ for base in kind.__bases__ if base is not object)
    yield f"class {shown}({bases})" if bases else f"class {shown}"
    if issubclass(kind, Enum):
        yield from (f"    {member.name} = {member.value!r}" for member in kind)
    elif is_dataclass(kind):
        yield from (f"    {item.name}: {item.type}" for item in fields(kind))
    elif not issubclass(kind, BaseException):
        yield from (
            f"    {name}: {_name(hint)}" for name, hint in vars(kind).get("__annotations__", {}).items()
        )
        yield from _describe_members(kind)


def _describe_members(kind):
    for name, value in sorted(vars(kind).items()):
        if name.startswith("_"):
            continue
        if isinstance(value, property):
            yield f"    {name}: {value.fget.__annotations__['return']}"
        elif inspect.isfunction(value):
            prefix = "async " if inspect.iscoroutinefunction(value) else ""
            yield f"    {prefix}{name}{_describe_signature(value)}"


def _describe_signature(function):
    """Return a signature as it stands in the source, annotations as text and defaults that are values."""
    found = inspect.signature(function)
    parameters = [
        item if item.default is item.empty else item.replace(default=_Shown(item.default))
        for item in found.parameters.values()
    ]
    return str(found.replace(parameters=parameters)).replace("'", "").replace('"', "'")


class _Shown:
    def __init__(self, value):
        self.value = value

    def __repr__(self):
        if isinstance(self.value, str):
            return f'"{self.value}"'
        kind = type(self.value)
        return f"{kind.__name__}()" if is_dataclass(kind) and self.value == kind() else repr(self.value)


def _name(hint):
    return getattr(hint, "__forward_arg__", hint)


if __name__ == "__main__":
    KEPT.write_text(describe_surface(), encoding="utf-8")
