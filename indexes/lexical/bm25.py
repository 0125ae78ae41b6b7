"""BM25 over the rows a question may find: N, average length and document frequency are theirs alone.

Counting and scoring are two steps, so that the integers of all segments are added before any
score: a score does not depend on how rows were split into segments. Counting and the formula's
weights are here, scoring lives in `scoring`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numba
import numpy as np
import numpy.typing as npt

from indexes.lexical.lists import find_lists
from indexes.lexical.postings import Postings
from indexes.selections import Bits, IntVector, Selection

K1: Final = 0.9
"""How fast repeats of a term stop counting: below the 1.2 to 2 of long documents, because rows are
chunks. Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond
(2009), section 3.4.1; `benchmarks.retrieval` measures it."""

B: Final = 0.6
"""How much long rows are held back. Source: as for `K1`, where 0.5 to 0.8 is advised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What BM25 needs to know of the visible rows.

    Attributes:
        n_rows: visible rows.
        total_length: terms in all of them, repeats included.
        frequencies: query term -> visible rows that hold it.
    """

    n_rows: int
    total_length: int
    frequencies: Mapping[str, int]

    @property
    def average_length(self) -> float:
        """Mean terms of a visible row; 0 where there is none."""
        return self.total_length / self.n_rows if self.n_rows else 0.0


def sum_lengths(postings: Postings, selection: Selection) -> int:
    """Return the terms in the selected rows, repeats included."""
    return int(_sum_selected(postings.lengths[: selection.n_prefix], _bits(selection)))


def count_frequencies(postings: Postings, terms: Sequence[str], selection: Selection) -> dict[str, int]:
    """Return how many of the selected rows hold each term, phrase or beginning."""
    lists = find_lists(postings, terms, n_prefix=selection.n_prefix)
    counts = lists.ends - lists.starts
    if selection.bits is not None:
        _count_selected(lists.rows, lists.starts, lists.ends, selection.bits, counts)
    return dict(zip(terms, counts.tolist(), strict=True))


def merge_statistics(parts: Iterable[Statistics]) -> Statistics:
    """Return the statistics of all segments' visible rows together."""
    n_rows = total_length = 0
    frequencies: Counter[str] = Counter()
    for part in parts:
        n_rows += part.n_rows
        total_length += part.total_length
        frequencies.update(part.frequencies)
    return Statistics(n_rows=n_rows, total_length=total_length, frequencies=dict(sorted(frequencies.items())))


def find_idf(n_rows: int, frequency: int) -> float:
    """Return the weight of a term, never negative.

    Args:
        n_rows: visible rows.
        frequency: visible rows that hold the term.

    Source: Robertson and Zaragoza (2009), equation 3.3, plus 1 inside the logarithm as Lucene's
        BM25Similarity has it.
    """
    return math.log1p((n_rows - frequency + 0.5) / (frequency + 0.5))


@numba.njit(cache=True, nogil=True)
def _count_selected(
    rows: npt.NDArray[np.int32], starts: IntVector, ends: IntVector, bits: Bits, counts: IntVector
) -> None:
    for term in range(len(starts)):
        count = 0
        for place in range(starts[term], ends[term]):
            row = rows[place]
            count += bits[row >> 3] >> (row & 7) & 1
        counts[term] = count


@numba.njit(cache=True, nogil=True)
def _sum_selected(lengths: npt.NDArray[np.int32], bits: Bits) -> int:
    total = 0
    if len(bits) == 0:
        for row in range(len(lengths)):
            total += lengths[row]
        return total
    for row in range(len(lengths)):
        if bits[row >> 3] >> (row & 7) & 1:
            total += lengths[row]
    return total


def _bits(selection: Selection) -> Bits:
    return np.empty(0, dtype=np.uint8) if selection.bits is None else selection.bits
