"""When the rows of a segment are known: as-of T as a prefix, less the rows that were closed by then."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from eagleray.contracts.times import OPEN_END
from indexes.selections import Bits, IntVector, Selection


class Timeline:
    """The times of one segment's rows, patches applied; safe to share between threads."""

    def __init__(self, known_from: IntVector, known_to: IntVector) -> None:
        """Put the closed rows in the order of their ends.

        Args:
            known_from: int64 [n_rows], ascending, microseconds.
            known_to: int64 [n_rows], microseconds.
        """
        closed = np.flatnonzero(known_to != OPEN_END)
        order = np.argsort(known_to[closed], kind="stable")
        self._known_from = known_from
        self._closed, self._ends = closed[order], known_to[closed[order]]

    def select(self, as_of: int | None) -> Selection:
        """Return the rows with `known_from <= as_of < known_to`; for `None` those nothing has closed."""
        n_rows = len(self._known_from)
        if as_of is None:
            n_prefix, n_closed = n_rows, len(self._closed)
        else:
            n_prefix = int(np.searchsorted(self._known_from, as_of, side="right"))
            n_closed = int(np.searchsorted(self._ends, as_of, side="right"))
        if not n_closed:
            return Selection(n_rows=n_rows, n_prefix=n_prefix)
        bits = _set_prefix(n_rows, n_prefix)
        _clear(bits, self._closed[:n_closed])
        return Selection(n_rows=n_rows, n_prefix=n_prefix, bits=bits)


def _set_prefix(n_rows: int, n_prefix: int) -> npt.NDArray[np.uint8]:
    bits = np.zeros((n_rows + 7) // 8, dtype=np.uint8)
    whole, rest = divmod(n_prefix, 8)
    bits[:whole] = 0xFF
    if rest:
        bits[whole] = (1 << rest) - 1
    return bits


@numba.njit(cache=True, nogil=True)
def _clear(bits: Bits, rows: IntVector) -> None:
    for number in range(len(rows)):
        row = rows[number]
        bits[row >> 3] &= np.uint8(0xFF ^ (1 << (row & 7)))
