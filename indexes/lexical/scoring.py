"""BM25 scores of a segment's rows: of the best ones, and of any asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from indexes.lexical.bm25 import K1, B, Statistics, find_idf
from indexes.lexical.lists import Lists, find_lists
from indexes.lexical.max_score import DoubleMatrix, DoubleVector, Query, scan, score_rows
from indexes.lexical.postings import Postings
from indexes.selections import IntVector, Selection

_FREQUENCIES: Final = 16
_LENGTHS: Final = 1_024
"""Counts and lengths for which impacts are tabulated: nearly all of chunks; 128 KB."""


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
    best = (np.empty(k), np.empty(k, dtype=np.int64), np.empty(k, dtype=np.int64))
    bits = np.empty(0, dtype=np.uint8) if selection.bits is None else selection.bits
    n = scan(_make_query(postings, weighted, lists), bits, ids, floor, best)
    scores, found, rows = best[0][:n], best[1][:n], best[2][:n]
    order = np.lexsort((found, -scores))
    return ScoredRows(rows=rows[order], scores=scores[order])


def score_some(postings: Postings, weighted: WeightedTerms, rows: IntVector) -> DoubleVector:
    """Return the BM25 score of some rows, 0 for one that holds no term: float64 [len(rows)]."""
    scores = np.zeros(len(rows), dtype=np.float64)
    if weighted.terms:  # where no row has a word, there is no average length
        lists = find_lists(postings, weighted.terms, n_prefix=postings.n_rows)
        score_rows(_make_query(postings, weighted, lists), rows, scores)
    return scores


def _make_query(postings: Postings, weighted: WeightedTerms, lists: Lists) -> Query:
    """Return what compiled code needs of a segment and a query that has an average length."""
    return Query(
        rows=lists.rows,
        frequencies=lists.frequencies,
        lengths=postings.lengths,
        starts=lists.starts,
        ends=lists.ends,
        weights=weighted.weights,
        held_back=_hold_back(weighted.average_length),
        table=_tabulate(weighted.average_length),
    )


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
