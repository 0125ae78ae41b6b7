"""Filter expressions over a segment's columns, by Arrow compute.

Each row is judged by its own values alone: what other rows hold under the same name, and of which type,
changes nothing. A literal and a value of another type are not equal, and neither is greater. Logic is
three-valued as in SQL: a comparison with a null is neither true nor false, `not` leaves it so, and a row is
selected only where the whole expression is true.

Whether a caller may ask an expression at all is decided in `known_columns`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

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
from eagleray.errors import InvalidTimeError
from eagleray.text_forms import normalise
from indexes.masks.numbers import compare_numbers, fill, find_numbers
from indexes.masks.texts import compare_texts, find_beginnings, find_texts
from indexes.masks.words import find_matching
from indexes.segments.attribute_columns import find_columns
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
"""Columns every row has; such a name always means that column, never an attribute."""

ATTRIBUTES: Final = "attributes."
"""What may stand before an attribute's name, and must where the name is that of another column."""

_NUMBERS: Final = (AttributeType.INTEGER, AttributeType.NUMBER)

Judge = Callable[[AttributeType, pa.Array], pa.Array]
"""Says of each value of a column of one type whether it satisfies a condition; null where it is null."""


def name_attribute(column: str) -> str | None:
    """Return the attribute that a column's name means; `None` for the columns every row has.

    Names are compared in the form of texts, in which documents have them.
    """
    return None if column in BUILT_IN else normalise(column).removeprefix(ATTRIBUTES)


def read_columns(name: str, view: SegmentView) -> dict[AttributeType, pa.Array]:
    """Return a column of a segment by the types of its values; a row has a value in one of them at most."""
    attribute = name_attribute(name)
    if attribute is None:
        return {BUILT_IN[name]: view.rows[name].chunk(0)}
    return find_columns(view.rows, attribute)


def evaluate_filter(expression: FilterExpression, view: SegmentView) -> npt.NDArray[np.bool_]:
    """Return the rows an expression selects: bool [n_rows].

    Args:
        expression: the filter.
        view: the segment; a column it lacks is null in every row.

    Raises:
        FilterColumnError: `matches` looks where it cannot, or for nothing.
    """
    selected = pc.fill_null(_evaluate(expression, view), False)
    return np.asarray(selected.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _evaluate(expression: FilterExpression, view: SegmentView) -> pa.Array:
    match expression:
        case And(operands=operands) | Or(operands=operands):
            join = pc.and_kleene if isinstance(expression, And) else pc.or_kleene
            result = _evaluate(operands[0], view)
            for other in operands[1:]:
                result = join(result, _evaluate(other, view))
            return result
        case Not(operand=operand):
            return pc.invert(_evaluate(operand, view))
        case Matches(column=name, words=words):
            return pa.array(find_matching(view, name, words))
        case IsNull(column=name):
            known = _judge(name, view, lambda _kind, column: fill(column, value=True))
            return pc.invert(pc.fill_null(known, False))
        case Compare(column=name, op=Comparison.NE, value=value):
            return pc.invert(_judge(name, view, partial(_compare, op=Comparison.EQ, value=value, name=name)))
        case Compare(column=name, op=op, value=value):
            return _judge(name, view, partial(_compare, op=op, value=value, name=name))
        case Contains(column=name, value=value):
            return _judge(name, view, partial(_compare, op=Comparison.EQ, value=value, name=name))
        case StartsWith(column=name, prefix=prefix):
            return _judge(name, view, partial(_begin, prefix=prefix, name=name))
        case IsIn(column=name, values=values):
            return _judge(name, view, partial(_find, values=values, name=name))


def _judge(name: str, view: SegmentView, judge: Judge) -> pa.Array:
    """Return what a condition says of each row; null where the row has no value."""
    found = [judge(kind, column) for kind, column in read_columns(name, view).items()]
    return pc.coalesce(*found) if found else pa.nulls(view.n_rows, pa.bool_())


def _compare(
    kind: AttributeType, column: pa.Array, *, op: Comparison, value: FilterValue, name: str
) -> pa.Array:
    if kind is AttributeType.STRINGS:
        return _find_members(column, partial(_compare, op=op, value=value, name=name))
    if isinstance(value, bool):
        if kind is not AttributeType.BOOLEAN:
            return fill(column, value=False)
        return compare_numbers(column.cast(pa.int64()), op, int(value))
    if not isinstance(value, str):
        return compare_numbers(column, op, value) if kind in _NUMBERS else fill(column, value=False)
    if kind is AttributeType.STRING:
        return compare_texts(column, op, value, name=name)
    micros = read_time(value) if kind is AttributeType.TIME else None
    return fill(column, value=False) if micros is None else compare_numbers(column, op, micros)


def _begin(kind: AttributeType, column: pa.Array, *, prefix: str, name: str) -> pa.Array:
    if kind is AttributeType.STRINGS:
        return _find_members(column, partial(_begin, prefix=prefix, name=name))
    if kind is not AttributeType.STRING:
        return fill(column, value=False)
    return find_beginnings(column, prefix, name=name)


def _find(kind: AttributeType, column: pa.Array, *, values: Sequence[FilterValue], name: str) -> pa.Array:
    if kind is AttributeType.STRINGS:
        return _find_members(column, partial(_find, values=values, name=name))
    texts = [value for value in values if isinstance(value, str)]
    if kind is AttributeType.STRING:
        return find_texts(column, texts, name=name)
    if kind is AttributeType.BOOLEAN:
        held = [int(value) for value in values if isinstance(value, bool)]
        return find_numbers(column.cast(pa.int64()), held)
    if kind is AttributeType.TIME:
        return find_numbers(column, [micros for micros in map(read_time, texts) if micros is not None])
    return find_numbers(
        column, [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    )


def _find_members(column: pa.Array, judge: Judge) -> pa.Array:
    """Return whether a member of each list satisfies a condition; null where there is no list."""
    judged = pc.fill_null(judge(AttributeType.STRING, pc.list_flatten(column)), False)
    hits = pc.list_parent_indices(column).filter(judged)
    has_one = np.zeros(len(column), dtype=np.bool_)
    has_one[hits.to_numpy(zero_copy_only=False)] = True
    return pa.array(has_one, mask=pc.is_null(column).to_numpy(zero_copy_only=False))


def read_time(text: str) -> int | None:
    """Return the instant that text names, in microseconds; `None` where it names none."""
    try:
        return parse_instant(text)
    except InvalidTimeError:
        return None
