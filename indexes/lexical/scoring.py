"""The rows BM25 scores highest, found in one pass over the query's postings.

Rows are taken a window at a time, whose sums stay in the fastest cache. In a window the terms are added
in their sorted order, so a sum is the same bits however rows are split, masked or asked for. Only rows
whose sum rises to that of the worst row kept are looked at again, and masks are tested for them alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt

from indexes.best_rows import push_row
from indexes.lexical.bm25 import K1, B, Statistics, find_idf
from indexes.lexical.postings import Postings
from indexes.selections import Bits, IntVector, Selection

_WINDOW: Final = 2_048

_FREQUENCIES: Final = 16
_LENGTHS: Final = 1_024
"""Counts and lengths for which impacts are tabulated: nearly all of chunks; 128 KB."""

DoubleVector = npt.NDArray[np.float64]
DoubleMatrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedTerms:
    """A query's terms that some visible row holds, sorted, each with its weight.

    Attributes:
        terms: the terms.
        weights: float64 [n_terms], times in the query x idf x (k1 + 1).
        average_length: of the visible rows, in terms.
    """

    terms: tuple[str, ...]
    weights: DoubleVector
    average_length: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRows:
    """Rows of one segment, best first, ties by the lower chunk_id.

    Attributes:
        rows: int64 [n].
        scores: float64 [n], BM25, above 0.
    """

    rows: IntVector
    scores: DoubleVector


def weigh_terms(terms: Mapping[str, int], statistics: Statistics) -> WeightedTerms:
    """Return the weights of a query's terms.

    Args:
        terms: query term -> times it stands in the query; each time counts.
        statistics: of all segments, merged.

    Source: Robertson and Zaragoza (2009), equation 3.15, with the idf of `find_idf`.
    """
    held = [term for term in sorted(terms) if statistics.frequencies.get(term, 0)]
    weights = [
        terms[term] * find_idf(statistics.n_rows, statistics.frequencies[term]) * (K1 + 1.0) for term in held
    ]
    return WeightedTerms(
        terms=tuple(held),
        weights=np.array(weights, dtype=np.float64),
        average_length=statistics.average_length,
    )


def find_best(
    postings: Postings, weighted: WeightedTerms, selection: Selection, *, ids: IntVector, k: int
) -> ScoredRows:
    """Return the `k` selected rows that score highest; fewer where fewer hold a term.

    Args:
        postings: the segment's.
        weighted: the query.
        selection: rows that may come back.
        ids: int64 [n_rows], chunk_ids, by which ties are broken.
        k: at least 1.
    """
    starts, ends = _find_ranges(postings, weighted.terms, n_prefix=selection.n_prefix)
    k = min(k, selection.n_selected, int((ends - starts).sum()))
    if not k:
        return ScoredRows(rows=np.empty(0, dtype=np.int64), scores=np.empty(0, dtype=np.float64))
    scores, found, rows = np.empty(k), np.empty(k, dtype=np.int64), np.empty(k, dtype=np.int64)
    bits = np.empty(0, dtype=np.uint8) if selection.bits is None else selection.bits
    n = _scan(
        postings.rows,
        postings.frequencies,
        postings.lengths,
        starts,
        ends,
        weighted.weights,
        weighted.average_length,
        _tabulate(weighted.average_length),
        bits,
        ids,
        scores,
        found,
        rows,
    )
    order = np.lexsort((found[:n], -scores[:n]))
    return ScoredRows(rows=rows[:n][order], scores=scores[:n][order])


def score_some(postings: Postings, weighted: WeightedTerms, rows: IntVector) -> DoubleVector:
    """Return the BM25 score of some rows, 0 for one that holds no term: float64 [len(rows)]."""
    scores = np.zeros(len(rows), dtype=np.float64)
    starts, ends = _find_ranges(postings, weighted.terms, n_prefix=postings.n_rows)
    _look_up(
        postings.rows,
        postings.frequencies,
        postings.lengths,
        starts,
        ends,
        weighted.weights,
        weighted.average_length,
        _tabulate(weighted.average_length),
        rows,
        scores,
    )
    return scores


@lru_cache(maxsize=64)
def _tabulate(average_length: float) -> DoubleMatrix:
    """Return what a term adds for each weight of 1: float64 [_FREQUENCIES, _LENGTHS], by count and length."""
    frequencies = np.arange(_FREQUENCIES, dtype=np.float64)[:, None]
    held_back = K1 * (1.0 - B + B * np.arange(_LENGTHS, dtype=np.float64) / average_length)
    return np.ascontiguousarray(frequencies / (frequencies + held_back))


def _find_ranges(postings: Postings, terms: Sequence[str], *, n_prefix: int) -> tuple[IntVector, IntVector]:
    """Return where each term's postings below `n_prefix` begin and end: int64 [n_terms] twice."""
    starts, ends = np.empty(len(terms), dtype=np.int64), np.empty(len(terms), dtype=np.int64)
    for number, term in enumerate(terms):
        start, end = postings.find_range(term)
        starts[number] = start
        whole = n_prefix >= postings.n_rows
        ends[number] = end if whole else start + int(np.searchsorted(postings.rows[start:end], n_prefix))
    return starts, ends


@numba.njit(cache=True, nogil=True)
def _scan(
    rows: npt.NDArray[np.int32],
    frequencies: npt.NDArray[np.int32],
    lengths: npt.NDArray[np.int32],
    starts: IntVector,
    ends: IntVector,
    weights: DoubleVector,
    average_length: float,
    table: DoubleMatrix,
    bits: Bits,
    ids: IntVector,
    heap: DoubleVector,
    heap_ids: IntVector,
    heap_rows: IntVector,
) -> int:
    """Fill the heap with the best rows and return how many it holds."""
    sums, risen = np.zeros(_WINDOW), np.empty(_WINDOW, dtype=np.int64)
    cursors = starts.copy()
    n = 0
    while True:
        first = np.int64(1) << 62
        for term in range(len(cursors)):
            if cursors[term] < ends[term]:
                first = min(first, np.int64(rows[cursors[term]]))
        if first == np.int64(1) << 62:
            return n
        worst = heap[0] if n == len(heap) else 0.0
        n_risen = 0
        for term in range(len(cursors)):
            place, end, weight = cursors[term], ends[term], weights[term]
            while place < end and rows[place] < first + _WINDOW:
                row = rows[place]
                impact = _find_impact(frequencies[place], lengths[row], average_length, table)
                before = sums[row - first]
                total = before + weight * impact
                sums[row - first] = total
                if total >= worst and (before < worst or before == 0.0):
                    risen[n_risen] = row
                    n_risen += 1
                place += 1
            cursors[term] = place
        for number in range(n_risen):
            row = risen[number]
            if len(bits) == 0 or bits[row >> 3] >> (row & 7) & 1:
                n = push_row(heap, heap_ids, heap_rows, n, sums[row - first], ids[row], row)
        sums[:] = 0.0


@numba.njit(cache=True, nogil=True)
def _find_impact(frequency: int, length: int, average_length: float, table: DoubleMatrix) -> Any:
    """Return what a term adds for a weight of 1; computed where the table ends."""
    if frequency < table.shape[0] and length < table.shape[1]:
        return table[frequency, length]
    held_back = K1 * (1.0 - B + B * length / average_length)
    return frequency / (frequency + held_back)


@numba.njit(cache=True, nogil=True)
def _look_up(
    rows: npt.NDArray[np.int32],
    frequencies: npt.NDArray[np.int32],
    lengths: npt.NDArray[np.int32],
    starts: IntVector,
    ends: IntVector,
    weights: DoubleVector,
    average_length: float,
    table: DoubleMatrix,
    wanted: IntVector,
    scores: DoubleVector,
) -> None:
    for number in range(len(wanted)):
        row = wanted[number]
        for term in range(len(starts)):
            low, high = starts[term], ends[term]
            while low < high:
                middle = (low + high) >> 1
                if rows[middle] < row:
                    low = middle + 1
                else:
                    high = middle
            if low < ends[term] and rows[low] == row:
                scores[number] += weights[term] * _find_impact(
                    frequencies[low], lengths[row], average_length, table
                )
