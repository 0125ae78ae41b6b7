"""Text of filters against columns of text, letter by letter, in the form that `text_columns` gives them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from eagleray.contracts.filters import Comparison
from indexes.masks.text_columns import normalise_column, normalise_value

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
