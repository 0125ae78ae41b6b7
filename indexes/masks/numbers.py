"""Numbers of filters against columns of numbers: compared exactly, as real numbers, whatever their size.

An int64 column never becomes float64 and a float64 column never int64: a value that the column's type cannot
hold is put between the two neighbours that it can.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from eagleray.contracts.documents import MAX_INTEGER, MIN_INTEGER
from eagleray.contracts.filters import Comparison

Number = int | float

_COMPARE: Final[Mapping[Comparison, Any]] = {
    Comparison.EQ: pc.equal,
    Comparison.LT: pc.less,
    Comparison.LE: pc.less_equal,
    Comparison.GT: pc.greater,
    Comparison.GE: pc.greater_equal,
}
_BELOW: Final = (Comparison.LT, Comparison.LE)


def compare_numbers(column: pa.Array, op: Comparison, value: Number) -> pa.Array:
    """Return whether each number of a column compares so with a value: bool, null where the column is.

    Args:
        column: int64 or float64 without NaN.
        op: any but `!=`.
        value: finite.
    """
    if pa.types.is_floating(column.type):
        op, bound = _fit_double(op, value)
        kind = pa.float64()
    else:
        op, bound = _fit_integer(op, value)
        kind = pa.int64()
    if bound is None:
        return fill(column, value=False)
    if kind == pa.int64() and not MIN_INTEGER <= bound <= MAX_INTEGER:
        return fill(column, value=op is not Comparison.EQ and (bound > 0) is (op in _BELOW))
    return _COMPARE[op](column, pa.scalar(bound, kind))


def find_numbers(column: pa.Array, values: Iterable[Number]) -> pa.Array:
    """Return whether each number of a column equals one of some values: bool, null where the column is."""
    if pa.types.is_floating(column.type):
        fitted = [_fit_double(Comparison.EQ, value)[1] for value in values]
        wanted = pa.array([bound + 0.0 for bound in fitted if bound is not None], pa.float64())
        column = pc.add(column, 0.0)  # -0.0 becomes 0.0: they are one number, but not one key
    else:
        whole = [_fit_integer(Comparison.EQ, value)[1] for value in values]
        held = [bound for bound in whole if bound is not None and MIN_INTEGER <= bound <= MAX_INTEGER]
        wanted = pa.array(held, pa.int64())
    return pc.if_else(pc.is_valid(column), pc.is_in(column, value_set=wanted), None)


def fill(column: pa.Array, *, value: bool) -> pa.Array:
    """Return one answer for each value of a column: bool, null where the column is."""
    return pc.if_else(pc.is_valid(column), pa.scalar(value), pa.scalar(None, pa.bool_()))


def _fit_integer(op: Comparison, value: Number) -> tuple[Comparison, int | None]:
    """Return the comparison of integers that is the same, of any size; `None` where nothing is equal."""
    if isinstance(value, int):
        return op, value
    if op is Comparison.EQ:
        return op, int(value) if value.is_integer() else None
    return op, math.ceil(value) if op in (Comparison.LT, Comparison.GE) else math.floor(value)


def _fit_double(op: Comparison, value: Number) -> tuple[Comparison, float | None]:
    """Return the comparison of doubles that is the same; `None` where nothing is equal."""
    try:
        near = float(value)
    except OverflowError:
        near = math.inf if value > 0 else -math.inf
    if near == value:  # Python compares exactly
        return op, near
    if op is Comparison.EQ:
        return op, None
    if op in _BELOW:
        return Comparison.LE, near if near < value else math.nextafter(near, -math.inf)
    return Comparison.GE, near if near > value else math.nextafter(near, math.inf)
