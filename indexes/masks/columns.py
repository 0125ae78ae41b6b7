"""Filter expressions over a segment's columns, by Arrow compute.

Logic is three-valued as in SQL: a comparison with a null is neither true nor false, `not` leaves
it so, and a row is selected only where the whole expression is true.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.filters import (
    And,
    Compare,
    Comparison,
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
from eagleray.text_forms import normalise
from indexes.masks.text_columns import normalise_column, normalise_value
from indexes.masks.words import find_matching
from indexes.segments.view import SegmentView

BUILT_IN: Final[Mapping[str, AttributeType]] = {
    "doc_id": AttributeType.STRING,
    "version": AttributeType.STRING,
    "title": AttributeType.STRING,
    "source": AttributeType.STRING,
    "zone": AttributeType.STRING,
    "event_time": AttributeType.TIME,
    "known_from": AttributeType.TIME,
}
"""Columns every row has, beside the collection's attributes; an attribute of the same name wins."""

_ARROW: Final = {
    AttributeType.STRING: pa.string(),
    AttributeType.INTEGER: pa.int64(),
    AttributeType.NUMBER: pa.float64(),
    AttributeType.BOOLEAN: pa.bool_(),
    AttributeType.TIME: pa.int64(),
    AttributeType.STRINGS: pa.list_(pa.string()),
}
_WANTED: Final = {
    AttributeType.STRING: "a string in quotes",
    AttributeType.INTEGER: "an integer",
    AttributeType.NUMBER: "a number",
    AttributeType.BOOLEAN: "true or false",
    AttributeType.TIME: "an ISO 8601 time in quotes",
}
_COMPARE: Final[Mapping[Comparison, Any]] = {
    Comparison.EQ: pc.equal,
    Comparison.NE: pc.not_equal,
    Comparison.LT: pc.less,
    Comparison.LE: pc.less_equal,
    Comparison.GT: pc.greater,
    Comparison.GE: pc.greater_equal,
}


def evaluate_filter(
    expression: FilterExpression, view: SegmentView, types: Mapping[str, AttributeType]
) -> npt.NDArray[np.bool_]:
    """Return the rows an expression selects: bool [n_rows].

    Args:
        expression: the filter.
        view: the segment; a column it lacks is null in every row.
        types: attribute name -> type over all segments of the snapshot.

    Raises:
        FilterColumnError: the snapshot has no such column, or a value does not fit its type.
    """
    selected = pc.fill_null(_evaluate(expression, view, {**BUILT_IN, **types}), False)
    if isinstance(selected, pa.ChunkedArray):
        selected = selected.combine_chunks()
    return np.asarray(selected.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _evaluate(expression: FilterExpression, view: SegmentView, types: Mapping[str, AttributeType]) -> Any:
    match expression:
        case And(operands=operands) | Or(operands=operands):
            join = pc.and_kleene if isinstance(expression, And) else pc.or_kleene
            found = [_evaluate(operand, view, types) for operand in operands]
            result = found[0]
            for other in found[1:]:
                result = join(result, other)
            return result
        case Not(operand=operand):
            return pc.invert(_evaluate(operand, view, types))
        case IsNull(column=name):
            return pc.is_null(_find_column(name, view, types))
        case Contains(column=name, value=value):
            return _compare_members(name, [value], view, types)
        case StartsWith(column=name, prefix=prefix):
            return _evaluate_prefix(name, prefix, view, types)
        case Matches(column=name, words=words):
            return pa.array(find_matching(view, name, words))
        case IsIn(column=name, values=values):
            return _evaluate_in(name, values, view, types)
        case Compare():
            return _evaluate_compare(expression, view, types)


def _evaluate_compare(expression: Compare, view: SegmentView, types: Mapping[str, AttributeType]) -> Any:
    name, op = expression.column, expression.op
    kind = _find_type(name, types)
    if kind is AttributeType.STRINGS:
        if op not in (Comparison.EQ, Comparison.NE):
            raise _refuse(name, f"{name} is a list; use contains, =, != or in")
        held = _compare_members(name, [expression.value], view, types)
        return held if op is Comparison.EQ else pc.invert(held)
    value = _fit_value(name, expression.value, kind)
    column = normalise_column(name, _find_column(name, view, types))
    return _COMPARE[op](column, pa.scalar(value, type=_value_type(kind, value)))


def _evaluate_prefix(name: str, prefix: str, view: SegmentView, types: Mapping[str, AttributeType]) -> Any:
    kind = _find_type(name, types)
    if kind is not AttributeType.STRING:
        raise _refuse(name, f"{name} is of type {kind}, not string; starts with needs text")
    column = normalise_column(name, _find_column(name, view, types))
    return pc.starts_with(column, pattern=normalise_value(name, prefix))


def _evaluate_in(
    name: str, values: tuple[FilterValue, ...], view: SegmentView, types: Mapping[str, AttributeType]
) -> Any:
    kind = _find_type(name, types)
    if kind is AttributeType.STRINGS:
        return _compare_members(name, list(values), view, types)
    column = normalise_column(name, _find_column(name, view, types))
    fitted = [_fit_value(name, value, kind) for value in values]
    wanted = pa.array(
        fitted, type=pa.float64() if any(isinstance(v, float) for v in fitted) else _ARROW[kind]
    )
    if pa.types.is_floating(wanted.type):
        column = pc.cast(column, pa.float64())
    found = pc.is_in(column, value_set=wanted)
    return pc.if_else(pc.is_null(column), pa.scalar(None, pa.bool_()), found)


def _compare_members(
    name: str, values: list[FilterValue], view: SegmentView, types: Mapping[str, AttributeType]
) -> Any:
    """Return whether a list column holds one of the values, row by row."""
    kind = _find_type(name, types)
    if kind is not AttributeType.STRINGS:
        raise _refuse(name, f"{name} is of type {kind}, not a list; contains needs a list of strings")
    for value in values:
        if not isinstance(value, str):
            raise _refuse(name, f"expected a string in quotes, found {_describe(value)}")
    wanted = {normalise(str(value)) for value in values}
    rows = _find_column(name, view, types).to_pylist()
    held = [None if row is None else not wanted.isdisjoint(map(normalise, row)) for row in rows]
    return pa.array(held, pa.bool_())


def read_column(name: str, view: SegmentView, types: Mapping[str, AttributeType]) -> Any:
    """Return a column of a segment in its type over the whole snapshot; nulls where the segment lacks it.

    Raises:
        FilterColumnError: the snapshot has no such column.
    """
    return _find_column(name, view, {**BUILT_IN, **types})


def _find_type(name: str, types: Mapping[str, AttributeType]) -> AttributeType:
    if name not in types:
        near = difflib.get_close_matches(name, types, n=3) or sorted(types)
        raise _refuse(name, f"there is no column {name!r}; did you mean {', '.join(near)}?")
    return types[name]


def _find_column(name: str, view: SegmentView, types: Mapping[str, AttributeType]) -> Any:
    wanted = _ARROW[_find_type(name, types)]
    if name in view.attributes:
        return pc.cast(view.rows[f"attr.{name}"], wanted)
    if name in BUILT_IN and types[name] is BUILT_IN[name] and name in view.rows.column_names:
        return view.rows[name]
    return pa.nulls(view.n_rows, wanted)


def _fit_value(name: str, value: FilterValue, kind: AttributeType) -> FilterValue:
    """Return a filter's value in the type of its column.

    Raises:
        FilterColumnError: it does not fit.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is AttributeType.TIME and isinstance(value, str):
        try:
            return parse_instant(value)
        except InvalidTimeError as error:
            raise _refuse(name, str(error)) from error
    fits = {
        AttributeType.STRING: isinstance(value, str),
        AttributeType.INTEGER: is_number,
        AttributeType.NUMBER: is_number,
        AttributeType.BOOLEAN: isinstance(value, bool),
    }
    if not fits.get(kind, False):
        raise _refuse(name, f"expected {_WANTED[kind]}, found {_describe(value)}")
    return normalise_value(name, value) if isinstance(value, str) else value


def _value_type(kind: AttributeType, value: FilterValue) -> pa.DataType:
    return pa.float64() if isinstance(value, float) else _ARROW[kind]


def _describe(value: FilterValue) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"the string {value!r}" if isinstance(value, str) else f"the number {value}"


def _refuse(name: str, detail: str) -> FilterColumnError:
    return FilterColumnError(column=name, detail=detail)
