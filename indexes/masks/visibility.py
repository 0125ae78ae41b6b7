"""Who may see which rows when: as of T, by the caller's groups and zones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eagleray.contracts.principals import Principal
from eagleray.contracts.times import OPEN_END
from indexes.segments.view import SegmentView

BoolVector = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visibility:
    """The rows of one segment that a caller sees at a time.

    Attributes:
        n_prefix: rows known at T: they are the first ones.
        mask: bool [n_rows].
    """

    n_prefix: int
    mask: BoolVector


def select_visible(view: SegmentView, *, as_of: int | None, principal: Principal) -> Visibility:
    """Return the rows visible to `principal` as of `as_of`.

    Args:
        view: the segment.
        as_of: microseconds: rows with `known_from <= as_of < known_to`; `None` takes the rows
            nothing has superseded or deleted.
        principal: sees rows without groups and rows that share a group with it, in its zones.
    """
    if as_of is None:
        n_prefix = view.n_rows
        mask: BoolVector = view.known_to == OPEN_END
    else:
        n_prefix = int(np.searchsorted(view.known_from, as_of, side="right"))
        mask = np.zeros(view.n_rows, dtype=np.bool_)
        mask[:n_prefix] = view.known_to[:n_prefix] > as_of
    if principal.zones is not None and view.zone not in principal.zones:
        return Visibility(n_prefix=n_prefix, mask=np.zeros(view.n_rows, dtype=np.bool_))
    return Visibility(n_prefix=n_prefix, mask=mask & select_readable(view, principal))


def select_readable(view: SegmentView, principal: Principal) -> BoolVector:
    """Return the rows the principal's groups open: bool [n_rows]; bitmap 0 holds the public rows."""
    bits = view.group_bits[0].copy()
    for name, group in zip(view.group_names[1:], view.group_bits[1:], strict=True):
        if name in principal.groups:
            bits |= group
    return np.unpackbits(bits, bitorder="little", count=view.n_rows).astype(np.bool_)
