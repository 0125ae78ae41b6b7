"""The pass over a query's postings that finds the best rows, compiled.

Rows are taken a window at a time, whose sums stay in the fastest cache. In a window the terms are added
in their sorted order, so a sum is the same bits however rows are split, masked or asked for. Only rows
whose sum comes near that of the worst row kept are looked at again, and masks are tested for them alone.
The commonest terms, whose weights together cannot lift a row so high, are left out; they are looked up for
such rows, the heaviest first, for as long as the row may still belong among the best.

Indices are unsigned where it counts: a signed one is tested for being negative each time.

Source: Turtle and Flood, Query Evaluation: Strategies and Optimizations (1995): max-score.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

import numba
import numpy as np
import numpy.typing as npt

from indexes.best_rows import BestRows, push_row
from indexes.selections import Bits, IntVector

_WINDOW: Final = 2_048
_STRIDE: Final = 64
"""Rows of a window whose sums are compared at once."""

_LEFT_OUT: Final = 0.35
"""Share of the worst score kept that the terms left out may add: more leaves out more postings, and has
more rows looked up."""

_CAUTION: Final = 1.0 - 1e-9
"""Bounds are lowered by so much: sums in another order differ in their last digits."""

_LEAST: Final = 1e-300
"""What a row with a term has at least; others have 0."""

DoubleVector = npt.NDArray[np.float64]

LeftOut: TypeAlias = tuple[float, npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Terms left out: their weight; int64, the lightest first; int64 [n_terms], the next places of all."""

DoubleMatrix = npt.NDArray[np.float64]


class Query(NamedTuple):
    """A query's postings and weights; the terms stand in their sorted order.

    Attributes:
        rows: int32 [n_postings], ascending within a term.
        frequencies: int32 [n_postings].
        lengths: int32 [n_rows], terms of each row.
        starts: int64 [n_terms], where a term's postings begin.
        ends: int64 [n_terms], where those end that count.
        weights: float64 [n_terms].
        held_back: float64 [2], what k1 and b hold a row back by: each row, and for each term in it.
        table: float64 [n_frequencies, n_lengths], impacts of small frequencies and lengths.
    """

    rows: npt.NDArray[np.int32]
    frequencies: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]
    starts: IntVector
    ends: IntVector
    weights: DoubleVector
    held_back: DoubleVector
    table: DoubleMatrix


@numba.njit(cache=True, nogil=True)
def scan(
    query: Query,
    bits: Bits,
    ids: IntVector,
    floor: float,
    best: BestRows,
) -> int:
    """Fill the heap with the best rows and return how many it holds.

    Args:
        query: at least one term.
        bits: uint8, the rows that may come back, one bit each; empty for all.
        ids: int64 [n_rows], chunk_ids, by which ties are broken.
        floor: least score wanted.
        best: takes the rows, with float64 scores.
    """
    heap = best[0]
    sums, risen = np.zeros(_WINDOW), np.empty(_WINDOW, dtype=np.int64)
    cursors, begins = query.starts.copy(), query.starts.copy()
    order = np.argsort(query.weights)
    is_left_out = np.zeros(len(order), dtype=np.bool_)
    n_left_out, left_out, n = 0, 0.0, 0
    while True:
        worst = max(heap[0], floor) if n == len(heap) else floor
        while n_left_out < len(order) and left_out + query.weights[order[n_left_out]] < _LEFT_OUT * worst:
            left_out += query.weights[order[n_left_out]]
            is_left_out[order[n_left_out]] = True
            begins[order[n_left_out]] = cursors[order[n_left_out]]
            n_left_out += 1
        first = _find_first(query, cursors, is_left_out)
        if first < 0:
            return n
        _add_terms(query, first, is_left_out, (cursors, begins), sums)
        n_risen = _find_risen(sums, max(_LEAST, (worst - left_out) * _CAUTION), risen)
        others = (left_out, order[:n_left_out], begins)
        for number in range(n_risen):
            row = first + risen[number]
            if len(bits) and not bits[row >> 3] >> (row & 7) & 1:
                continue
            total = sums[risen[number]]
            if n_left_out:
                enough = (max(heap[0], floor) if n == len(heap) else floor) * _CAUTION
                if not _may_reach(query, row, total, enough, others):
                    continue
                total = _add_up(query, row, begins)
            if total >= floor:
                n = push_row(best, n, total, ids[row], row)
        sums[:] = 0.0


@numba.njit(cache=True, nogil=True)
def score_rows(query: Query, wanted: IntVector, scores: DoubleVector) -> None:
    """Score some rows, in any order.

    Args:
        query: at least one term.
        wanted: int64 [n].
        scores: float64 [n], takes the scores; 0 for a row that holds no term.
    """
    for number in range(len(wanted)):
        scores[number] = _add_up(query, wanted[number], query.starts)


@numba.njit(cache=True, nogil=True)
def _find_first(query: Query, cursors: IntVector, is_left_out: npt.NDArray[np.bool_]) -> np.int64:
    """Return the next row that holds a term which is not left out, or -1."""
    first = np.int64(-1)
    for term in range(len(cursors)):
        if not is_left_out[term] and cursors[term] < query.ends[term]:
            row = np.int64(query.rows[cursors[term]])
            if first < 0 or row < first:
                first = row
    return first


@numba.njit(cache=True, nogil=True)
def _add_terms(
    query: Query,
    first: np.int64,
    is_left_out: npt.NDArray[np.bool_],
    places: tuple[IntVector, IntVector],
    sums: DoubleVector,
) -> None:
    """Add what the terms that are not left out give the rows of a window, and move on behind it.

    Args:
        query: the terms.
        first: row of the window.
        is_left_out: bool [n_terms].
        places: int64 [n_terms] each: where a term is read next, and where it was before this window.
        sums: float64, takes the scores of the window's rows.
    """
    cursors, begins = places
    for term in range(len(cursors)):
        if not is_left_out[term]:
            begins[term] = cursors[term]
            cursors[term] = _add_term(query, term, cursors[term], first, sums)


@numba.njit(cache=True, nogil=True)
def _add_term(query: Query, term: int, start: int, first: int, sums: DoubleVector) -> np.int64:
    """Add a term to the sums of a window's rows, and return where its next postings begin."""
    rows, weight = query.rows, query.weights[term]
    place, end, begin, stop = np.uint64(start), np.uint64(query.ends[term]), np.uint64(first), first + _WINDOW
    while place < end and rows[place] < stop:
        row = np.uint64(rows[place])
        sums[row - begin] += weight * _find_impact(query, place, row)
        place += np.uint64(1)
    return np.int64(place)


@numba.njit(cache=True, nogil=True)
def _find_risen(sums: DoubleVector, least: float, risen: IntVector) -> int:
    """Write which sums are not below the least wanted, ascending; return how many they are."""
    n_risen = 0
    for start in range(0, _WINDOW, _STRIDE):
        n_high = 0
        for place in range(start, start + _STRIDE):
            n_high += sums[place] >= least
        if n_high:
            for place in range(start, start + _STRIDE):
                if sums[place] >= least:
                    risen[n_risen] = place
                    n_risen += 1
    return n_risen


@numba.njit(cache=True, nogil=True)
def _may_reach(
    query: Query,
    row: int,
    total: float,
    enough: float,
    others: LeftOut,
) -> bool:
    """Return whether a row with the terms left out may have enough; moves their begins up to it.

    Args:
        query: the postings.
        row: not below any that was asked for before.
        total: sum of the other terms.
        enough: sum of all that is wanted.
        others: the terms left out; begins move.
    """
    left_out, terms, begins = others
    for number in range(len(terms) - 1, -1, -1):
        if total + left_out < enough:
            return False
        term = terms[number]
        begins[term] = place = _seek(query.rows, begins[term], query.ends[term], row)
        left_out -= query.weights[term]
        if place < query.ends[term] and query.rows[place] == row:
            total += query.weights[term] * _find_impact(query, np.uint64(place), np.uint64(row))
    return total + left_out >= enough


@numba.njit(cache=True, nogil=True)
def _add_up(query: Query, row: int, begins: IntVector) -> float:
    """Return a row's score: the terms added in their sorted order."""
    total = 0.0
    for term in range(len(begins)):
        place = _seek(query.rows, begins[term], query.ends[term], row)
        if place < query.ends[term] and query.rows[place] == row:
            total += query.weights[term] * _find_impact(query, np.uint64(place), np.uint64(row))
    return total


@numba.njit(cache=True, nogil=True)
def _seek(rows: npt.NDArray[np.int32], start: int, end: int, row: int) -> int:
    """Return the first place from `start` on whose row is not below `row`."""
    if start >= end or rows[start] >= row:
        return start
    step = 1
    low = start
    while low + step < end and rows[low + step] < row:
        low += step
        step *= 2
    high = min(low + step, end)
    low += 1
    while low < high:
        middle = (low + high) >> 1
        if rows[middle] < row:
            low = middle + 1
        else:
            high = middle
    return low


@numba.njit(cache=True, nogil=True)
def _find_impact(query: Query, place: np.uint64, row: np.uint64) -> Any:
    """Return what a posting adds for a weight of 1; computed where the table ends."""
    frequency, length, table = query.frequencies[place], query.lengths[row], query.table
    if frequency < table.shape[0] and length < table.shape[1]:
        return table[np.uint64(frequency), np.uint64(length)]
    return frequency / (frequency + query.held_back[0] + query.held_back[1] * length)
