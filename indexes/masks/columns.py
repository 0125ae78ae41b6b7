"""Filter expressions over a segment's columns, by Arrow compute.

Each row is judged by its own values alone: what other rows hold under the same name, and of which type,
changes nothing. A literal and a value of another type are not equal, and neither is greater. Logic is
three-valued as in SQL: a comparison with a null is neither true nor false, `not` leaves it so, and a row is
selected only where the whole expression is true.

Whether a caller may ask an expression at all is decided in `known_columns`.

Text is compared letter by letter, in the form that `text_columns` gives it; `matches` finds words, phrases
and beginnings in text, title or heading.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
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
from eagleray.contracts.indexes import TextField
from eagleray.contracts.times import parse_instant
from eagleray.errors import FilterColumnError, InvalidTimeError
from eagleray.text_forms import normalise
from indexes.lexical.expressions import name_match
from indexes.lexical.lists import find_lists
from indexes.masks.numbers import compare_numbers, fill, find_numbers
from indexes.masks.text_columns import normalise_column, normalise_value
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


_FIELDS: Final = {"text": TextField.BODY, "title": TextField.TITLE, "heading": TextField.HEADING}


_LIKE_A_DATE: Final = r"^\d{4}-\d{2}-\d{2}"
_COMPARE: Final[Mapping[Comparison, Any]] = {
    Comparison.EQ: pc.equal,
    Comparison.LT: pc.less,
    Comparison.LE: pc.less_equal,
    Comparison.GT: pc.greater,
    Comparison.GE: pc.greater_equal,
}


def compare_texts(column: pa.Array, op: Comparison, value: str, *, name: str) -> pa.Array:
    """Return whether each text of a column compares so with a value: bool, null where the column is.

    In order, a value that begins as a date is compared only with text that does, too: `n/a` is neither
    before nor after a day.

    Args:
        column: string.
        op: any but `!=`.
        value: any text.
        name: of the column, which may be compared as it is.
    """
    column, value = normalise_column(name, column), normalise_value(name, value)
    found = _COMPARE[op](column, pa.scalar(value, pa.string()))
    if op is not Comparison.EQ and re.match(_LIKE_A_DATE, value, re.ASCII):
        found = pc.and_(found, pc.match_substring_regex(column, _LIKE_A_DATE))
    return found


def find_texts(column: pa.Array, values: Sequence[str], *, name: str) -> pa.Array:
    """Return whether each text of a column is one of some values; see `compare_texts`."""
    wanted = pa.array([normalise_value(name, value) for value in values], pa.string())
    found = pc.is_in(normalise_column(name, column), value_set=wanted)
    return pc.if_else(pc.is_valid(column), found, None)


def find_beginnings(column: pa.Array, prefix: str, *, name: str) -> pa.Array:
    """Return whether each text of a column begins so; see `compare_texts`."""
    return pc.starts_with(normalise_column(name, column), pattern=normalise_value(name, prefix))


def find_matching(view: SegmentView, column: str, words: str) -> npt.NDArray[np.bool_]:
    """Return the rows that match: bool [n_rows].

    Args:
        view: the segment.
        column: `text` (with the heading), `title` or `heading`.
        words: a word, several for a phrase, or the beginning of one and an asterisk.

    Raises:
        FilterColumnError: there is no such column, or no word to look for.
    """
    if column not in _FIELDS:
        raise FilterColumnError(column=column, detail=f"matches looks into {', '.join(_FIELDS)}")
    name = name_match(words)
    if not name:
        detail = f"{words!r} holds no word to look for; an asterisk stands at the end of a single word"
        raise FilterColumnError(column=column, detail=detail)
    lists = find_lists(view.postings[_FIELDS[column]], [name], n_prefix=view.n_rows)
    matching = np.zeros(view.n_rows, dtype=np.bool_)
    matching[lists.rows[lists.starts[0] : lists.ends[0]]] = True
    return matching


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
            return reduce(join, (_evaluate(operand, view) for operand in operands))
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
