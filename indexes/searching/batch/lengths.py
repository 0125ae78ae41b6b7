"""How long the rows of a view are in one field, and their sums as of any times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eagleray.contracts.indexes import TextField
from indexes.searching.batch.views import View, ViewCounts
from indexes.segments.view import SegmentView
from indexes.selections import IntVector


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Terms of the rows of a view in one field, repeats included; 12 bytes a row.

    Attributes:
        rows: int32 [n], of each place in the view.
        begun: int64 [n + 1], terms of the rows before each place.
        ended: int64 [n_ended + 1], terms of the rows before each place of the view's `ended`.
    """

    rows: npt.NDArray[np.int32]
    begun: IntVector
    ended: IntVector

    def find_totals(self, counts: ViewCounts) -> IntVector:
        """Return the terms in what is visible as of each time: int64 [n_times]."""
        return self.begun[counts.prefixes] - self.ended[counts.n_ended]


def read_lengths(segments: Sequence[SegmentView], view: View, field: TextField) -> Lengths:
    """Return the lengths of a view's rows.

    Args:
        segments: all of them, in the order of `Columns`.
        view: the rows.
        field: the part of the rows that is measured.
    """
    parts = [np.empty(0, dtype=np.int32), *(segment.postings[field].lengths for segment in segments)]
    rows = np.concatenate(parts)[view.numbers]
    return Lengths(rows=rows, begun=_sum_before(rows), ended=_sum_before(rows[view.ended]))


def _sum_before(lengths: npt.NDArray[np.int32]) -> IntVector:
    sums = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=sums[1:])
    return sums
