"""BM25 over the rows a mask lets through: N, average length and document frequency are theirs alone.

Counting and scoring are two steps, so that the integers of all segments are added before any
score: a score does not depend on how rows were split into segments.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numba
import numpy as np
import numpy.typing as npt

from indexes.lexical.postings import Postings

K1: Final = 0.9
"""How fast repeats of a term stop counting: below the 1.2 to 2 of long documents, because rows are
chunks. Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond
(2009), section 3.4.1; `benchmarks.retrieval` measures it."""

B: Final = 0.6
"""How much long rows are held back. Source: as for `K1`, where 0.5 to 0.8 is advised."""

BoolVector = npt.NDArray[np.bool_]


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


def count_statistics(postings: Postings, terms: Iterable[str], mask: BoolVector) -> Statistics:
    """Return the statistics of one segment's visible rows.

    Args:
        postings: the segment's postings.
        terms: distinct query terms.
        mask: bool [n_rows], true where a row is visible.
    """
    frequencies = {}
    for term in sorted(terms):
        start, end = postings.find_range(term)
        frequencies[term] = int(_count_visible(postings.rows[start:end], mask))
    n_rows, total_length = _sum_lengths(postings.lengths, mask)
    return Statistics(n_rows=int(n_rows), total_length=int(total_length), frequencies=frequencies)


def merge_statistics(parts: Iterable[Statistics]) -> Statistics:
    """Return the statistics of all segments' visible rows together."""
    n_rows = total_length = 0
    frequencies: Counter[str] = Counter()
    for part in parts:
        n_rows += part.n_rows
        total_length += part.total_length
        frequencies.update(part.frequencies)
    return Statistics(n_rows=n_rows, total_length=total_length, frequencies=dict(sorted(frequencies.items())))


def score_rows(
    postings: Postings, terms: Mapping[str, int], mask: BoolVector, *, statistics: Statistics
) -> npt.NDArray[np.float64]:
    """Return each row's BM25 score; 0 for rows that hold no query term or are not visible.

    Args:
        postings: the segment's postings.
        terms: query term -> times it stands in the query; each time counts.
        mask: bool [n_rows].
        statistics: of all segments, merged.

    Returns:
        float64 [n_rows]; terms are added in their sorted order, so the sum is the same bits
        everywhere.

    Source: Robertson and Zaragoza (2009), equation 3.15, with the idf of `find_idf`.
    """
    scores = np.zeros(postings.n_rows, dtype=np.float64)
    for term in sorted(terms):
        frequency = statistics.frequencies.get(term, 0)
        if not frequency:
            continue
        start, end = postings.find_range(term)
        weight = terms[term] * find_idf(statistics.n_rows, frequency) * (K1 + 1.0)
        held = (postings.rows[start:end], postings.frequencies[start:end], postings.lengths)
        _add_scores(*held, mask, weight, statistics.average_length, scores)
    return scores


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
def _count_visible(rows: npt.NDArray[np.int32], mask: BoolVector) -> int:
    count = 0
    for place in range(len(rows)):
        count += mask[rows[place]]
    return count


@numba.njit(cache=True, nogil=True)
def _sum_lengths(lengths: npt.NDArray[np.int32], mask: BoolVector) -> tuple[int, int]:
    count = 0
    total = 0
    for row in range(len(lengths)):
        if mask[row]:
            count += 1
            total += lengths[row]
    return count, total


@numba.njit(cache=True, nogil=True)
def _add_scores(
    rows: npt.NDArray[np.int32],
    frequencies: npt.NDArray[np.int32],
    lengths: npt.NDArray[np.int32],
    mask: BoolVector,
    weight: float,
    average_length: float,
    scores: npt.NDArray[np.float64],
) -> None:
    for place in range(len(rows)):
        row = rows[place]
        if mask[row]:
            frequency = float(frequencies[place])
            held_back = K1 * (1.0 - B + B * lengths[row] / average_length)
            scores[row] += weight * frequency / (frequency + held_back)
