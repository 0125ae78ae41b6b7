"""Which rows of a segment a question may find: a prefix of them, less what its bits leave out.

What decides them lives in `indexes.masks`; here is only the set, as index code takes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numba
import numpy as np
import numpy.typing as npt

from eagleray.errors import QueryError

Bits = npt.NDArray[np.uint8]
"""uint8 [ceil(n_rows / 8)], little-endian bits."""

IntVector = npt.NDArray[np.int64]

_MAX_KEPT: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Rows of one segment.

    Attributes:
        n_rows: rows of the segment.
        n_prefix: only rows below it are selected.
        bits: one bit a row of the segment, none set from `n_prefix` on; `None` selects the whole prefix.
        n_selected: how many rows that is.
        rows: int64 [n_selected] where they are few and somebody has asked for them, else `None`.
    """

    n_rows: int
    n_prefix: int
    bits: Bits | None = None
    n_selected: int = field(default=-1)
    rows: IntVector | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.n_prefix <= self.n_rows:
            raise QueryError(detail=f"a prefix of {self.n_prefix} rows does not fit {self.n_rows} rows")
        if self.bits is not None and self.bits.shape != ((self.n_rows + 7) // 8,):
            detail = f"a selection of {self.n_rows} rows needs {(self.n_rows + 7) // 8} bytes"
            raise QueryError(detail=f"{detail}, found {self.bits.shape}")
        if self.n_selected < 0:
            object.__setattr__(self, "n_selected", self._count())

    @property
    def is_prefix(self) -> bool:
        """Whether every row of the prefix is selected."""
        return self.bits is None

    def iterate_rows(self, n: int) -> Iterator[IntVector]:
        """Yield the selected rows in ascending order, at most `n` at a time: int64 each."""
        if self.n_selected <= min(n, _MAX_KEPT):
            yield self._keep_rows()
            return
        if self.bits is None:
            for start in range(0, self.n_prefix, n):
                yield np.arange(start, min(start + n, self.n_prefix), dtype=np.int64)
            return
        step = -(-n // 8)
        for start in range(0, (self.n_prefix + 7) // 8, step):
            rows = np.empty(min(8 * step, self.n_selected), dtype=np.int64)
            n_found = _list_set(self.bits[start : start + step], start * 8, rows)
            if n_found:
                yield rows[:n_found]

    def _keep_rows(self) -> IntVector:
        """Return the rows, listed once: the same few rows are compared with many queries."""
        if self.rows is None:
            rows = np.arange(self.n_prefix, dtype=np.int64)
            if self.bits is not None:
                rows = np.empty(self.n_selected, dtype=np.int64)
                _list_set(self.bits, 0, rows)
            rows.flags.writeable = False
            object.__setattr__(self, "rows", rows)
        kept: IntVector | None = self.rows
        return np.empty(0, dtype=np.int64) if kept is None else kept

    def has(self, rows: IntVector) -> npt.NDArray[np.bool_]:
        """Return whether each row is selected: bool [len(rows)]."""
        below: npt.NDArray[np.bool_] = (rows >= 0) & (rows < self.n_prefix)
        if self.bits is None:
            return below
        places = np.where(below, rows, 0)
        held = (self.bits[places >> 3] >> (places & 7).astype(np.uint8)) & 1
        chosen: npt.NDArray[np.bool_] = below & held.astype(np.bool_)
        return chosen

    def restrict(self, bits: Bits) -> Selection:
        """Return the rows of this selection whose bit is set in `bits`, one bit a row of the segment."""
        own = self.bits
        joined = bits.copy() if own is None else np.bitwise_and(own, bits)
        if own is None:
            whole, rest = divmod(self.n_prefix, 8)
            joined[whole + 1 :] = 0
            if whole < len(joined):
                joined[whole] &= (1 << rest) - 1
        n_selected = int(np.bitwise_count(joined).sum())
        if n_selected == self.n_prefix:
            return Selection(n_rows=self.n_rows, n_prefix=self.n_prefix)
        return Selection(n_rows=self.n_rows, n_prefix=self.n_prefix, bits=joined, n_selected=n_selected)

    def _count(self) -> int:
        return self.n_prefix if self.bits is None else int(np.bitwise_count(self.bits).sum())


def select_all(n_rows: int) -> Selection:
    """Return the selection of every row."""
    return Selection(n_rows=n_rows, n_prefix=n_rows)


def select_none(n_rows: int) -> Selection:
    """Return the selection of no row."""
    return Selection(n_rows=n_rows, n_prefix=0)


def select_mask(mask: npt.NDArray[np.bool_], *, n_prefix: int | None = None) -> Selection:
    """Return the selection of the rows where the mask is true.

    Args:
        mask: bool [n_rows].
        n_prefix: rows below which all selected ones lie; found out if absent.
    """
    held = np.flatnonzero(mask)
    end = n_prefix if n_prefix is not None else (int(held[-1]) + 1 if len(held) else 0)
    if len(held) == end:
        return Selection(n_rows=len(mask), n_prefix=end)
    bits = np.packbits(mask, bitorder="little")
    return Selection(n_rows=len(mask), n_prefix=end, bits=bits, n_selected=len(held))


def check_selection(selection: Selection, *, n_rows: int) -> None:
    """Check that a selection is one of a segment of `n_rows` rows.

    Raises:
        QueryError: it is one of another segment.
    """
    if selection.n_rows != n_rows:
        detail = f"a selection of {selection.n_rows} rows does not fit a segment of {n_rows} rows"
        raise QueryError(detail=detail)


@numba.njit(cache=True, nogil=True)
def _list_set(bits: Bits, first: int, rows: IntVector) -> int:
    """Write the numbers of the set bits into `rows` and return how many they are."""
    n = 0
    for place in range(len(bits)):
        byte = bits[place]
        if byte == 0:
            continue
        for bit in range(8):
            if byte >> bit & 1:
                rows[n] = first + place * 8 + bit
                n += 1
    return n
