"""Postings: for each term the rows that hold it, in row order, which is time order.

Rows of a segment ascend by `known_from`, so "known at T" is a prefix of every posting list. They are made
in `building` and kept in `files`; phrases and beginnings of words become lists in `lists`; scores over
lists live in `bm25`; the rules that make terms live in `analysis`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numba
import numpy as np
import numpy.typing as npt

from indexes.lexical.vocabulary import Vocabulary
from indexes.selections import IntVector

_MAX_FOUND: Final = 10_000
"""Terms of at most 255 characters, so that they take some MB at most."""

IntegerVector = npt.NDArray[np.int32]
Positions = npt.NDArray[np.uint16] | npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Postings:
    """Compressed sparse rows by term: posting `p` of term `t` lies at `offsets[t] <= p < offsets[t + 1]`.

    Attributes:
        vocabulary: the terms, sorted by their UTF-8 bytes; a term's place is its number.
        offsets: int64 [n_terms + 1].
        rows: int32 [n_postings], ascending within a term.
        frequencies: int32 [n_postings], occurrences of the term in the row, at least 1.
        lengths: int32 [n_rows], terms of each row, repeats included.
        positions: uint16 or int32 [n_occurrences]: number of the word in its row, by term and row.
        position_offsets: int64 [n_terms + 1], where the positions of each term begin.
        surfaces: words as they were before stemming, where that changed them, sorted.
        surface_terms: int32 [n_surfaces], the term of each.
        found: terms that were looked up, with where their postings lie.
        made: lists of phrases and beginnings that were asked for (`lists`).
    """

    vocabulary: Vocabulary
    offsets: IntVector
    rows: IntegerVector
    frequencies: IntegerVector
    lengths: IntegerVector
    positions: Positions
    position_offsets: IntVector
    surfaces: Vocabulary
    surface_terms: IntegerVector
    found: dict[str, tuple[int, int]] = field(default_factory=dict, repr=False, compare=False)
    made: dict[str, tuple[IntegerVector, IntegerVector]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def n_rows(self) -> int:
        """Rows that were indexed."""
        return len(self.lengths)

    @property
    def n_terms(self) -> int:
        """Distinct terms."""
        return len(self.offsets) - 1

    def find_range(self, term: str) -> tuple[int, int]:
        """Return where the term's postings begin and end; (0, 0) for a term no row holds."""
        found = self.found.get(term)
        if found is None:
            number = self.vocabulary.find(term)
            found = (0, 0) if number is None else (int(self.offsets[number]), int(self.offsets[number + 1]))
            if len(self.found) >= _MAX_FOUND:
                self.found.clear()
            self.found[term] = found
        return found

    def find_ranges(self, terms: Sequence[str], *, n_prefix: int) -> tuple[IntVector, IntVector]:
        """Return where each term's postings below row `n_prefix` begin and end: int64 [n_terms] twice."""
        ranges = np.array([self.find_range(term) for term in terms], dtype=np.int64).reshape(-1, 2)
        starts, ends = np.ascontiguousarray(ranges[:, 0]), np.ascontiguousarray(ranges[:, 1])
        if n_prefix < self.n_rows:
            cut_ranges(self.rows, starts, ends, n_prefix)
        return starts, ends


@numba.njit(cache=True, nogil=True)
def cut_ranges(rows: IntegerVector, starts: IntVector, ends: IntVector, n_prefix: int) -> None:
    """Bring each range's end down to its first row that is not below `n_prefix`."""
    for term in range(len(starts)):
        low, high = starts[term], ends[term]
        while low < high:
            middle = (low + high) >> 1
            if rows[middle] < n_prefix:
                low = middle + 1
            else:
                high = middle
        ends[term] = low
