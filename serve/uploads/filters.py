"""OpenAI's filters over the attributes of a file: comparisons, and `and` or `or` of them.

A file without the attribute satisfies no comparison, `ne` and `nin` neither; values of two kinds are
never equal, and neither is greater.

Source: OpenAI's API reference, `POST /v1/vector_stores/{vector_store_id}/search`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from eagleray.errors import InputError
from serve.uploads.records import Attribute

MAX_DEPTH: Final = 16
MAX_PARTS: Final = 256

Selects = Callable[[Mapping[str, Attribute]], bool]

_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_TYPES: Final = ("eq", "ne", *_ORDERS, "in", "nin", "and", "or")


def read_filter(shown: Any) -> Selects:
    """Return what says whether a file's attributes satisfy a filter.

    Raises:
        InputError: it is no filter; says which part.
    """
    return _read(shown, depth=0)


def _read(shown: Any, *, depth: int) -> Selects:
    if depth > MAX_DEPTH:
        raise InputError(detail=f"filters: nested deeper than {MAX_DEPTH} levels")
    kind = shown.get("type") if isinstance(shown, dict) else None
    if kind not in _TYPES:
        raise InputError(detail=f"filters: expected an object whose type is one of {', '.join(_TYPES)}")
    if kind in ("and", "or"):
        return _read_compound(shown, every=kind == "and", depth=depth)
    return _read_comparison(shown, kind)


def _read_compound(shown: dict[str, Any], *, every: bool, depth: int) -> Selects:
    _check_members(shown, {"type", "filters"})
    parts = shown["filters"]
    if not isinstance(parts, list) or not 1 <= len(parts) <= MAX_PARTS:
        raise InputError(detail=f"filters: and, or take a list of 1 to {MAX_PARTS} filters")
    operands = [_read(part, depth=depth + 1) for part in parts]
    join = all if every else any
    return lambda attributes: join(selects(attributes) for selects in operands)


def _read_comparison(shown: dict[str, Any], kind: str) -> Selects:
    _check_members(shown, {"type", "key", "value"})
    key, value = shown["key"], shown["value"]
    if not isinstance(key, str):
        raise InputError(detail="filters: key takes a string")
    is_list = kind in ("in", "nin")
    values = value if is_list else [value]
    if not isinstance(values, list) or len(values) > MAX_PARTS or not all(map(_is_value, values)):
        wanted = f"a list of at most {MAX_PARTS} values" if is_list else "a string, number or boolean"
        raise InputError(detail=f"filters: {kind} takes {wanted}")
    if kind in _ORDERS:
        order = _ORDERS[kind]
        return lambda attributes: (
            key in attributes and _is_alike(attributes[key], value) and order(attributes[key], value)
        )
    is_wanted = kind in ("eq", "in")
    return lambda attributes: (
        key in attributes and any(_is_equal(attributes[key], item) for item in values) is is_wanted
    )


def _check_members(shown: dict[str, Any], names: set[str]) -> None:
    if shown.keys() != names:
        raise InputError(detail=f"filters: {shown['type']} takes {', '.join(sorted(names))}")


def _is_value(value: Any) -> bool:
    return isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))


def _is_equal(one: Attribute, other: Attribute) -> bool:
    return _is_alike(one, other) and one == other


def _is_alike(one: Attribute, other: Attribute) -> bool:
    """Return whether two values are of one kind; integers and other numbers are."""
    if isinstance(one, bool) or isinstance(other, bool):
        return isinstance(one, bool) and isinstance(other, bool)
    return isinstance(one, str) is isinstance(other, str)
