"""The guard: every row of a result is checked once more, row by row, by other code than the mask's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eagleray.contracts.principals import Principal
from eagleray.contracts.times import OPEN_END
from eagleray.errors import GuardError
from indexes.segments.view import SegmentView
from indexes.selections import IntVector


def list_groups(view: SegmentView, row: int) -> tuple[str, ...]:
    """Return the groups that may read a row; none for a public one."""
    byte, bit = divmod(row, 8)
    return tuple(
        name
        for name, bits in zip(view.group_names[1:], view.group_bits[1:], strict=True)
        if int(bits[byte]) >> bit & 1
    )


def guard_row(view: SegmentView, row: int, *, as_of: int | None, principal: Principal) -> None:
    """Refuse a row the caller must not see.

    Raises:
        GuardError: the row is not known yet or not any more, belongs to another group, or lies in
            another zone.
    """
    chunk_id = int(view.chunk_ids[row])
    known_from, known_to = int(view.known_from[row]), int(view.known_to[row])
    is_known = known_to == OPEN_END if as_of is None else known_from <= as_of < known_to
    if not is_known:
        raise GuardError(chunk_id=chunk_id, rule="it was not known at that time")
    byte, bit = divmod(row, 8)
    is_public = bool(int(view.group_bits[0][byte]) >> bit & 1)
    if not is_public and principal.groups.isdisjoint(list_groups(view, row)):
        raise GuardError(chunk_id=chunk_id, rule="it belongs to groups of which the caller has none")
    if principal.zones is not None and view.zone not in principal.zones:
        raise GuardError(chunk_id=chunk_id, rule="it lies in a zone the caller may not read")


def guard_rows(view: SegmentView, rows: IntVector, *, times: IntVector, principal: Principal) -> None:
    """Refuse any row that the caller must not see.

    Args:
        view: the segment.
        rows: int64 [n].
        times: int64 [n], microseconds, as of when each was asked for; `LATEST` for now.
        principal: the caller.

    Raises:
        GuardError: as `guard_row`; names the first such row.
    """
    if not len(rows):
        return
    is_known = (view.known_from[rows] <= times) & (times < view.known_to[rows])
    _refuse_others(view, rows, is_known, rule="it was not known at that time")
    is_readable = _has_bit(view.group_bits[0], rows)
    for name, bits in zip(view.group_names[1:], view.group_bits[1:], strict=True):
        if name in principal.groups:
            is_readable |= _has_bit(bits, rows)
    _refuse_others(view, rows, is_readable, rule="it belongs to groups of which the caller has none")
    if principal.zones is not None and view.zone not in principal.zones:
        chunk_id = int(view.chunk_ids[rows[0]])
        raise GuardError(chunk_id=chunk_id, rule="it lies in a zone the caller may not read")


def _has_bit(bits: npt.NDArray[np.uint8], rows: IntVector) -> npt.NDArray[np.bool_]:
    held: npt.NDArray[np.bool_] = (bits[rows >> 3] >> (rows & 7).astype(np.uint8) & 1).astype(np.bool_)
    return held


def _refuse_others(view: SegmentView, rows: IntVector, is_right: npt.NDArray[np.bool_], *, rule: str) -> None:
    if not is_right.all():
        raise GuardError(chunk_id=int(view.chunk_ids[rows[~is_right][0]]), rule=rule)
