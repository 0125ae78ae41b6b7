"""What a caller may ask of columns, by the types of the values in rows the caller may read, and of no others.

An attribute that only other rows have is to this caller one that nobody ever used: every error here tells of
what the caller may read alone. What is the case at some time plays no part, groups and zones alone decide.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.filters import (
    And,
    Compare,
    Contains,
    FilterExpression,
    FilterValue,
    IsIn,
    IsNull,
    Matches,
    Not,
    Or,
    StartsWith,
)
from eagleray.contracts.times import parse_instant
from eagleray.errors import FilterColumnError, InvalidTimeError
from indexes.masks.columns import ATTRIBUTES, BUILT_IN, name_attribute
from indexes.segments.attribute_columns import find_columns, list_columns, list_rare_names
from indexes.segments.view import SegmentView
from indexes.selections import Bits

Kinds = Collection[AttributeType]

_SHOWN: Final = 64
"""Characters of a name or a literal that an error shows."""

_NEAR: Final = 8
"""How much longer or shorter a name may be that is proposed for another."""

_MOST_COMPARED: Final = 500
_MOST_LISTED: Final = 10
_TEXT: Final = frozenset({AttributeType.STRING, AttributeType.STRINGS})
_NUMBERS: Final = frozenset({AttributeType.INTEGER, AttributeType.NUMBER})
_WANTED: Final = {
    AttributeType.STRING: "a string in quotes",
    AttributeType.STRINGS: "a string in quotes",
    AttributeType.INTEGER: "an integer",
    AttributeType.NUMBER: "a number",
    AttributeType.BOOLEAN: "true or false",
    AttributeType.TIME: "an ISO 8601 time in quotes",
}


def find_readable_types(view: SegmentView, readable: Bits | None, name: str) -> frozenset[AttributeType]:
    """Return the types of an attribute's values in some rows.

    Args:
        view: the segment.
        readable: the rows, one bit each; `None` for all.
        name: of the attribute.
    """
    if name not in view.attributes:
        return frozenset()
    columns = find_columns(view.rows, name)
    return frozenset(kind for kind, column in columns.items() if _has_value(column, readable))


def find_readable_names(view: SegmentView, readable: Bits | None) -> frozenset[str]:
    """Return the attributes that some rows have; see `find_readable_types`."""
    names = {name for name, column in list_columns(view.rows) if _has_value(column, readable)}
    rows = None if readable is None else _unpack(readable, view.n_rows)
    return frozenset(names | list_rare_names(view.rows, rows))


def _has_value(column: pa.Array, readable: Bits | None) -> bool:
    if readable is None:
        return bool(column.null_count < len(column))
    if not column.null_count:
        return bool(readable.any())
    has_value = column.is_valid().to_numpy(zero_copy_only=False)
    return bool((_unpack(readable, len(column)) & has_value).any())


def _unpack(bits: Bits, n: int) -> np.ndarray:
    return np.unpackbits(bits, count=n, bitorder="little").astype(np.bool_)


def list_attributes(expression: FilterExpression) -> frozenset[str]:
    """Return the attributes that an expression asks for."""
    names = map(name_attribute, _iterate_columns(expression))
    return frozenset(name for name in names if name is not None)


def _iterate_columns(expression: FilterExpression) -> Iterator[str]:
    match expression:
        case And(operands=operands) | Or(operands=operands):
            for operand in operands:
                yield from _iterate_columns(operand)
        case Not(operand=operand):
            yield from _iterate_columns(operand)
        case Matches():
            return
        case _:
            yield expression.column


def check_columns(
    expression: FilterExpression,
    types: Mapping[str, Kinds],
    *,
    list_names: Callable[[], Collection[str]],
) -> None:
    """Check that a caller may ask an expression.

    Args:
        expression: the filter.
        types: attribute name -> types of its values in rows the caller may read; empty for none.
        list_names: returns all attributes that such rows have; called only where one is not among them.

    Raises:
        FilterColumnError: there is no such column, or a literal fits none of its types.
    """
    match expression:
        case And(operands=operands) | Or(operands=operands):
            for operand in operands:
                check_columns(operand, types, list_names=list_names)
        case Not(operand=operand):
            check_columns(operand, types, list_names=list_names)
        case Matches():
            return
        case _:
            kinds = check_column(expression.column, types, list_names=list_names)
            _check_condition(expression, kinds)


def check_column(
    column: str, types: Mapping[str, Kinds], *, list_names: Callable[[], Collection[str]]
) -> Kinds:
    """Return the types of a column that a caller may ask for; see `check_columns`.

    Raises:
        FilterColumnError: there is no such column.
    """
    name = name_attribute(column)
    kinds = (BUILT_IN[column],) if name is None else types.get(name, ())
    if not kinds:
        raise _refuse(column, describe_missing(column, list_names()))
    return kinds


def describe_missing(column: str, attributes: Collection[str]) -> str:
    """Return the error of a column that is not there, with names like it.

    Args:
        column: as it was asked for.
        attributes: those that rows of the caller's have.
    """
    known = sorted({*BUILT_IN, *(f"{ATTRIBUTES}{name}" if name in BUILT_IN else name for name in attributes)})
    asked = column.removeprefix(ATTRIBUTES)[: _SHOWN + _NEAR]
    likely = {
        name.removeprefix(ATTRIBUTES).casefold(): name
        for name in sorted(
            known, key=lambda name: name.startswith(ATTRIBUTES) == column.startswith(ATTRIBUTES)
        )
        if abs(len(name.removeprefix(ATTRIBUTES)) - len(asked)) <= _NEAR and len(name) <= _SHOWN
    }
    found = difflib.get_close_matches(asked.casefold(), list(likely)[:_MOST_COMPARED], n=3)
    shown = ", ".join(_cut(name) for name in [likely[name] for name in found] or known[:_MOST_LISTED])
    if found:
        return f"there is no column {_cut(column)!r}; did you mean {shown}?"
    more = f" and {len(known) - _MOST_LISTED} more" if len(known) > _MOST_LISTED else ""
    return f"there is no column {_cut(column)!r}; there are {shown}{more}"


def _check_condition(expression: Compare | IsIn | IsNull | Contains | StartsWith, kinds: Kinds) -> None:
    match expression:
        case Compare(column=column, value=value):
            _check_literals(column, [value], kinds)
        case IsIn(column=column, values=values):
            _check_literals(column, values, kinds)
        case Contains(column=column) if AttributeType.STRINGS not in kinds:
            detail = f"{_cut(column)} is of type {_list(kinds)}, not a list; contains needs a list of strings"
            raise _refuse(column, detail)
        case StartsWith(column=column) if _TEXT.isdisjoint(kinds):
            detail = f"{_cut(column)} is of type {_list(kinds)}, not string; starts with needs text"
            raise _refuse(column, detail)


def _check_literals(column: str, values: Sequence[FilterValue], kinds: Kinds) -> None:
    for value in values:
        if not _fits(value, kinds):
            raise _refuse(column, _describe_unfit(value, kinds))


def _fits(value: FilterValue, kinds: Kinds) -> bool:
    if isinstance(value, bool):
        return AttributeType.BOOLEAN in kinds
    if not isinstance(value, str):
        return not _NUMBERS.isdisjoint(kinds)
    return not _TEXT.isdisjoint(kinds) or (AttributeType.TIME in kinds and not _find_fault(value))


def _describe_unfit(value: FilterValue, kinds: Kinds) -> str:
    if isinstance(value, str) and set(kinds) == {AttributeType.TIME}:
        return _find_fault(value)
    known = set(kinds) - ({AttributeType.INTEGER} if set(kinds) >= _NUMBERS else set())
    wanted = " or ".join(dict.fromkeys(_WANTED[kind] for kind in sorted(known)))
    return f"expected {wanted}, found {_describe(value)}"


def _find_fault(text: str) -> str:
    """Return why text names no instant; empty where it names one."""
    try:
        parse_instant(text)
    except InvalidTimeError as error:
        return str(InvalidTimeError(text=_cut(text), reason=str(error.reason)))
    return ""


def _describe(value: FilterValue) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"the string {_cut(value)!r}" if isinstance(value, str) else f"the number {_cut(str(value))}"


def _list(kinds: Kinds) -> str:
    return " or ".join(sorted(kinds))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _refuse(column: str, detail: str) -> FilterColumnError:
    return FilterColumnError(column=_cut(column), detail=detail)
