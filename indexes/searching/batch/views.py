"""A view: the rows that a caller and a filter open at some time, in the order of time.

As of T a view is a prefix less the rows that have ended, so what BM25 counts as of T is the difference of two
running sums (`lengths`), found by binary search.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eagleray.contracts.times import OPEN_END
from indexes.searching.batch.columns import Columns
from indexes.selections import IntVector


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Rows in ascending order of (`known_from`, `chunk_id`); a row's place here is its place in the view.

    Attributes:
        numbers: int64 [n], numbers of the rows in `Columns`.
        places: int32 [n_rows of `Columns`], the place of each of its rows; -1 where it is not in the view.
        known_from: int64 [n], ascending, microseconds.
        known_to: int64 [n], microseconds.
        chunk_ids: int64 [n].
        documents: int64 [n].
        ends: int64 [n_ended], ascending: `known_to` of the rows that something has closed.
        ended: int64 [n_ended], places of these rows.
    """

    numbers: IntVector
    places: npt.NDArray[np.int32]
    known_from: IntVector
    known_to: IntVector
    chunk_ids: IntVector
    documents: IntVector
    ends: IntVector
    ended: IntVector

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewCounts:
    """What is visible in a view as of some times.

    Attributes:
        prefixes: int64 [n_times], rows known at each, ended ones included.
        n_ended: int64 [n_times], those of them that have ended.
    """

    prefixes: IntVector
    n_ended: IntVector

    @property
    def n_rows(self) -> IntVector:
        """Visible rows: int64 [n_times]."""
        return self.prefixes - self.n_ended


def make_view(columns: Columns, is_open: npt.NDArray[np.bool_]) -> View:
    """Return the view of some rows.

    Args:
        columns: of all segments.
        is_open: bool [n_rows]; a row that ends before it begins is left out, whatever this says.
    """
    is_kept = is_open & (columns.known_from < columns.known_to)
    numbers = columns.order[is_kept[columns.order]]
    places = np.full(columns.n_rows, -1, dtype=np.int32)
    places[numbers] = np.arange(len(numbers), dtype=np.int32)
    known_to = columns.known_to[numbers]
    ended = np.flatnonzero(known_to != OPEN_END)
    ended = ended[np.argsort(known_to[ended], kind="stable")]
    return View(
        numbers=numbers,
        places=places,
        known_from=columns.known_from[numbers],
        known_to=known_to,
        chunk_ids=columns.chunk_ids[numbers],
        documents=columns.documents[numbers],
        ends=known_to[ended],
        ended=ended,
    )


def count_view(view: View, times: IntVector) -> ViewCounts:
    """Return what is visible as of each time: int64 [n_times], microseconds, at most `LATEST`."""
    return ViewCounts(
        prefixes=np.searchsorted(view.known_from, times, side="right"),
        n_ended=np.searchsorted(view.ends, times, side="right"),
    )
