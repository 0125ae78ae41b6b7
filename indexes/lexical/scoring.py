"""The rows BM25 scores highest, found in one pass over the query's postings.

Rows are taken a window at a time, whose sums stay in the fastest cache. In a window the terms are added
in their sorted order, so a sum is the same bits however rows are split, masked or asked for. Only rows
whose sum rises to that of the worst row kept are looked at again, and masks are tested for them alone.
The commonest terms, whose weights together cannot lift a row so high, are left out and looked up for rows
that the others lift nearly there.

Source: Turtle and Flood, Query Evaluation: Strategies and Optimizations (1995): max-score.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt

from indexes.best_rows import push_row
from indexes.lexical.bm25 import K1, B, Statistics, find_idf
from indexes.lexical.lists import find_lists
from indexes.lexical.postings import Postings
from indexes.selections import Bits, IntVector, Selection

_WINDOW: Final = 2_048

_LEFT_OUT: Final = 0.35
"""Share of the worst score kept that the terms left out may add: more leaves out more postings, and has
more rows looked up."""

_CAUTION: Final = 1.0 - 1e-9
"""Bounds are lowered by so much: sums in another order differ in their last digits."""

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
    postings: Postings,
    weighted: WeightedTerms,
    selection: Selection,
    *,
    ids: IntVector,
    k: int,
    floor: float = 0.0,
) -> ScoredRows:
    """Return the `k` selected rows that score highest; fewer where fewer hold a term or reach the floor.

    Args:
        postings: the segment's.
        weighted: the query.
        selection: rows that may come back.
        ids: int64 [n_rows], chunk_ids, by which ties are broken.
        k: at least 1.
        floor: least score wanted: the higher, the more postings are left out.
    """
    lists = find_lists(postings, weighted.terms, n_prefix=selection.n_prefix)
    k = min(k, selection.n_selected, int((lists.ends - lists.starts).sum()))
    if not k:
        return ScoredRows(rows=np.empty(0, dtype=np.int64), scores=np.empty(0, dtype=np.float64))
    scores, found, rows = np.empty(k), np.empty(k, dtype=np.int64), np.empty(k, dtype=np.int64)
    bits = np.empty(0, dtype=np.uint8) if selection.bits is None else selection.bits
    n = _scan(
        lists.rows,
        lists.frequencies,
        postings.lengths,
        lists.starts,
        lists.ends,
        weighted.weights,
        _hold_back(weighted.average_length),
        _tabulate(weighted.average_length),
        bits,
        ids,
        floor,
        scores,
        found,
        rows,
    )
    order = np.lexsort((found[:n], -scores[:n]))
    return ScoredRows(rows=rows[:n][order], scores=scores[:n][order])


def score_some(postings: Postings, weighted: WeightedTerms, rows: IntVector) -> DoubleVector:
    """Return the BM25 score of some rows, 0 for one that holds no term: float64 [len(rows)]."""
    scores = np.zeros(len(rows), dtype=np.float64)
    if not weighted.terms:
        return scores  # where no row has a word, there is no average length
    lists = find_lists(postings, weighted.terms, n_prefix=postings.n_rows)
    _look_up(
        lists.rows,
        lists.frequencies,
        postings.lengths,
        lists.starts,
        lists.ends,
        weighted.weights,
        _hold_back(weighted.average_length),
        _tabulate(weighted.average_length),
        rows,
        scores,
    )
    return scores


@lru_cache(maxsize=64)
def _tabulate(average_length: float) -> DoubleMatrix:
    """Return what a term adds for each weight of 1: float64 [_FREQUENCIES, _LENGTHS], by count and length."""
    frequencies = np.arange(_FREQUENCIES, dtype=np.float64)[:, None]
    held_back = _hold_back(average_length)
    lengths = np.arange(_LENGTHS, dtype=np.float64)
    return np.ascontiguousarray(frequencies / (frequencies + held_back[0] + held_back[1] * lengths))


def _hold_back(average_length: float) -> DoubleVector:
    """Return what k1 and b hold a row back by: float64 [2], for each row and for each term in it.

    Compiled code is kept by the age of its own file, so the constants of another come as values.
    """
    return np.array([K1 * (1.0 - B), K1 * B / average_length])


@numba.njit(cache=True, nogil=True)
def _scan(
    rows: npt.NDArray[np.int32],
    frequencies: npt.NDArray[np.int32],
    lengths: npt.NDArray[np.int32],
    starts: IntVector,
    ends: IntVector,
    weights: DoubleVector,
    held_back: DoubleVector,
    table: DoubleMatrix,
    bits: Bits,
    ids: IntVector,
    floor: float,
    heap: DoubleVector,
    heap_ids: IntVector,
    heap_rows: IntVector,
) -> int:
    """Fill the heap with the best rows and return how many it holds."""
    sums, risen = np.zeros(_WINDOW), np.empty(_WINDOW, dtype=np.int64)
    cursors, begins = starts.copy(), starts.copy()
    by_weight = np.argsort(weights)
    is_left_out = np.zeros(len(weights), dtype=np.bool_)
    n_left_out, left_out, n = 0, 0.0, 0
    while True:
        worst = max(heap[0], floor) if n == len(heap) else floor
        while n_left_out < len(weights) and left_out + weights[by_weight[n_left_out]] < _LEFT_OUT * worst:
            left_out += weights[by_weight[n_left_out]]
            is_left_out[by_weight[n_left_out]] = True
            n_left_out += 1
        first = _find_first(rows, cursors, ends, is_left_out)
        if first < 0:
            return n
        begins[:] = cursors
        n_risen = 0
        enough = (worst - left_out) * _CAUTION
        for term in range(len(cursors)):
            if is_left_out[term]:
                continue
            place, end, weight = cursors[term], ends[term], weights[term]
            while place < end and rows[place] < first + _WINDOW:
                row = rows[place]
                impact = _find_impact(frequencies[place], lengths[row], held_back, table)
                before = sums[row - first]
                total = before + weight * impact
                sums[row - first] = total
                if total >= enough and (before < enough or before == 0.0):
                    risen[n_risen] = row
                    n_risen += 1
                place += 1
            cursors[term] = place
        if n_left_out and n_risen:
            for term in range(len(cursors)):
                if is_left_out[term]:
                    begins[term] = _seek(rows, begins[term], ends[term], first)
                    cursors[term] = _seek(rows, begins[term], ends[term], first + _WINDOW)
        for number in range(n_risen):
            row = risen[number]
            if len(bits) == 0 or bits[row >> 3] >> (row & 7) & 1:
                total = sums[row - first]
                if n_left_out:
                    if total + left_out < (max(heap[0], floor) if n == len(heap) else floor) * _CAUTION:
                        continue
                    total = _add_up(
                        rows, frequencies, begins, cursors, weights, held_back, table, row, lengths[row]
                    )
                if total >= floor:
                    n = push_row(heap, heap_ids, heap_rows, n, total, ids[row], row)
        sums[:] = 0.0


@numba.njit(cache=True, nogil=True)
def _find_first(
    rows: npt.NDArray[np.int32], cursors: IntVector, ends: IntVector, is_left_out: npt.NDArray[np.bool_]
) -> np.int64:
    """Return the next row that holds a term which is not left out, or -1."""
    first = np.int64(-1)
    for term in range(len(cursors)):
        if not is_left_out[term] and cursors[term] < ends[term]:
            row = np.int64(rows[cursors[term]])
            if first < 0 or row < first:
                first = row
    return first


@numba.njit(cache=True, nogil=True)
def _seek(rows: npt.NDArray[np.int32], start: int, end: int, row: int) -> int:
    """Return the first place from `start` on whose row is not below `row`."""
    step = 1
    low = start
    while low + step < end and rows[low + step] < row:
        low += step
        step *= 2
    high = min(low + step, end)
    while low < high:
        middle = (low + high) >> 1
        if rows[middle] < row:
            low = middle + 1
        else:
            high = middle
    return low


@numba.njit(cache=True, nogil=True)
def _add_up(
    rows: npt.NDArray[np.int32],
    frequencies: npt.NDArray[np.int32],
    starts: IntVector,
    ends: IntVector,
    weights: DoubleVector,
    held_back: DoubleVector,
    table: DoubleMatrix,
    row: int,
    length: int,
) -> float:
    """Return a row's score: the terms added in their sorted order."""
    total = 0.0
    for term in range(len(starts)):
        place = _seek(rows, starts[term], ends[term], row)
        if place < ends[term] and rows[place] == row:
            total += weights[term] * _find_impact(frequencies[place], length, held_back, table)
    return total


@numba.njit(cache=True, nogil=True)
def _find_impact(frequency: int, length: int, held_back: DoubleVector, table: DoubleMatrix) -> Any:
    """Return what a term adds for a weight of 1; computed where the table ends."""
    if frequency < table.shape[0] and length < table.shape[1]:
        return table[frequency, length]
    return frequency / (frequency + held_back[0] + held_back[1] * length)


@numba.njit(cache=True, nogil=True)
def _look_up(
    rows: npt.NDArray[np.int32],
    frequencies: npt.NDArray[np.int32],
    lengths: npt.NDArray[np.int32],
    starts: IntVector,
    ends: IntVector,
    weights: DoubleVector,
    held_back: DoubleVector,
    table: DoubleMatrix,
    wanted: IntVector,
    scores: DoubleVector,
) -> None:
    for number in range(len(wanted)):
        row = wanted[number]
        scores[number] = _add_up(
            rows, frequencies, starts, ends, weights, held_back, table, row, lengths[row]
        )
