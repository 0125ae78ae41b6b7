"""Where a word stands in a field of a view's rows, over all segments, in the order of time.

What was found is kept, because words repeat.

How long rows are, and the sums as of any times, are counted here as well.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eagleray.contracts.indexes import TextField
from eagleray.contracts.times import OPEN_END
from indexes.lexical.lists import find_lists
from indexes.searching.batch.columns import Columns
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """The rows of a view that hold a term in some field.

    Attributes:
        places: int32 [n], ascending.
        frequencies: int32 [n], occurrences in each row.
        lengths: int32 [n], terms of each row in that field.
        ends: int64 [n_ended], ascending: `known_to` of those that something has closed.
    """

    places: npt.NDArray[np.int32]
    frequencies: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]
    ends: IntVector

    @property
    def n_bytes(self) -> int:
        """Memory of the arrays."""
        return 12 * len(self.places) + 8 * len(self.ends)

    def count(self, prefixes: IntVector, times: IntVector) -> tuple[IntVector, IntVector]:
        """Return, for each time, how many places are known, and how many of these are visible.

        Args:
            prefixes: int64 [n_times], rows of the view known at each time.
            times: int64 [n_times], microseconds.
        """
        known = np.searchsorted(self.places, prefixes.astype(np.int32), side="left")
        return known, known - np.searchsorted(self.ends, times, side="right")


class WordFinder:
    """Finds words in one view, and keeps the last ones; safe to share between threads."""

    def __init__(
        self, segments: Sequence[SegmentView], columns: Columns, view: View, *, max_bytes: int
    ) -> None:
        self._segments, self._columns, self._view = segments, columns, view
        self._max_bytes, self._n_bytes = max_bytes, 0
        self._kept: OrderedDict[tuple[TextField, str], Word] = OrderedDict()
        self._lengths: dict[TextField, Lengths] = {}
        self._lock = threading.Lock()

    @property
    def n_bytes(self) -> int:
        """Memory of the words that are kept; what they hold of the rows' lengths is not in it."""
        return self._n_bytes

    def find_lengths(self, field: TextField) -> Lengths:
        """Return how long the view's rows are in a field; kept as long as this object."""
        with self._lock:
            if field not in self._lengths:
                self._lengths[field] = read_lengths(self._segments, self._view, field)
            return self._lengths[field]

    def find(self, field: TextField, term: str) -> Word:
        """Return where a term stands."""
        name = (field, term)
        with self._lock:
            known = self._kept.get(name)
            if known is not None:
                self._kept.move_to_end(name)
                return known
        word = self._read(field, term)
        with self._lock:
            if name not in self._kept:
                self._kept[name] = word
                self._n_bytes += word.n_bytes
            while self._n_bytes > self._max_bytes:
                self._n_bytes -= self._kept.popitem(last=False)[1].n_bytes
        return word

    def _read(self, field: TextField, term: str) -> Word:
        places, frequencies = [np.empty(0, dtype=np.int32)], [np.empty(0, dtype=np.int32)]
        for view, start in zip(self._segments, self._columns.starts.tolist(), strict=False):  # one start more
            lists = find_lists(view.postings[field], [term], n_prefix=view.n_rows)
            held = slice(int(lists.starts[0]), int(lists.ends[0]))
            places.append(self._view.places[start : start + view.n_rows][lists.rows[held]])
            frequencies.append(lists.frequencies[held])
        joined, counted = np.concatenate(places), np.concatenate(frequencies)
        order = np.argsort(joined, kind="stable")
        order = order[np.searchsorted(joined[order], 0) :]  # -1 is no place of the view
        held_at = joined[order]
        known_to = self._view.known_to[held_at]
        return Word(
            places=held_at,
            frequencies=counted[order],
            lengths=self.find_lengths(field).rows[held_at],
            ends=np.sort(known_to[known_to != OPEN_END]),
        )
