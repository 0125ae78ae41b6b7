"""OpenAI's filters over the attributes of a file: comparisons, and `and` or `or` of them.

A file without the attribute satisfies no comparison, `ne` and `nin` neither; values of two kinds are
never equal, and neither is greater. Names and texts are compared in the form of all filters (`text_forms`).
A filter is as large as those of the collection may be: it is asked of every file of a vector store.

Source: OpenAI's API reference, `POST /v1/vector_stores/{vector_store_id}/search`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from eagleray.contracts.bounds import MAX_CONDITIONS, MAX_LISTED
from eagleray.errors import InputError
from eagleray.text_forms import normalise
from serve.uploads.records import Attribute

MAX_DEPTH: Final = 16

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
        InputError: it is no filter, or too large; says which part.
    """
    _check_size(shown)
    selects = _read(shown, depth=0)
    return lambda attributes: selects(
        {normalise(name): _normalise_value(value) for name, value in attributes.items()}
    )


def _check_size(shown: Any) -> None:
    """Refuse a filter of too many parts before any of them is read."""
    left, n_conditions, n_listed = [shown], 0, 0
    while left:
        part = left.pop()
        if not isinstance(part, dict):
            continue
        parts, value = part.get("filters"), part.get("value")
        if isinstance(parts, list):
            left += parts
        else:
            n_conditions += 1
        n_listed += len(value) if isinstance(value, list) else 0
        if n_conditions + len(left) > MAX_CONDITIONS or n_listed > MAX_LISTED:
            most = f"{MAX_CONDITIONS} comparisons with {MAX_LISTED:,} values in their lists"
            raise InputError(detail=f"filters: expected at most {most}")


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
    if not isinstance(parts, list) or not parts:
        raise InputError(detail="filters: and, or take a list of at least one filter")
    operands = [_read(part, depth=depth + 1) for part in parts]
    join = all if every else any
    return lambda attributes: join(selects(attributes) for selects in operands)


def _read_comparison(shown: dict[str, Any], kind: str) -> Selects:
    _check_members(shown, {"type", "key", "value"})
    key, value = shown["key"], shown["value"]
    if not isinstance(key, str):
        raise InputError(detail="filters: key takes a string")
    key, is_list = normalise(key), kind in ("in", "nin")
    values = value if is_list else [value]
    if not isinstance(values, list) or not all(map(_is_value, values)):
        wanted = "a list of strings, numbers and booleans" if is_list else "a string, number or boolean"
        raise InputError(detail=f"filters: {kind} takes {wanted}")
    value, values = _normalise_value(value), [_normalise_value(item) for item in values]
    if kind in _ORDERS:
        order = _ORDERS[kind]
        return lambda attributes: (
            key in attributes and _is_alike(attributes[key], value) and order(attributes[key], value)
        )
    is_wanted, known = kind in ("eq", "in"), {(_name_kind(item), item) for item in values}
    return lambda attributes: (
        key in attributes and ((_name_kind(attributes[key]), attributes[key]) in known) is is_wanted
    )


def _check_members(shown: dict[str, Any], names: set[str]) -> None:
    if shown.keys() != names:
        raise InputError(detail=f"filters: {shown['type']} takes {', '.join(sorted(names))}")


def _normalise_value(value: Any) -> Any:
    return normalise(value) if isinstance(value, str) else value


def _is_value(value: Any) -> bool:
    return isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))


def _is_alike(one: Attribute, other: Attribute) -> bool:
    return _name_kind(one) == _name_kind(other)


def _name_kind(value: Attribute) -> str:
    """Return what kind a value is of; integers and other numbers are of one."""
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "number"
