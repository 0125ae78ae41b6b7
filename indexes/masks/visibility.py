"""Who may see which rows: by the caller's zones and groups."""

from __future__ import annotations

import numpy as np

from eagleray.contracts.principals import Principal
from indexes.segments.view import SegmentView
from indexes.selections import Bits


def is_open_zone(view: SegmentView, principal: Principal) -> bool:
    """Return whether the principal may read the segment's zone."""
    return principal.zones is None or view.zone in principal.zones


def select_readable(view: SegmentView, principal: Principal) -> Bits:
    """Return the rows the principal's groups open, one bit each; bitmap 0 holds the public rows."""
    bits: Bits = view.group_bits[0].copy()
    for name, group in zip(view.group_names[1:], view.group_bits[1:], strict=True):
        if name in principal.groups:
            np.bitwise_or(bits, group, out=bits)
    return bits
