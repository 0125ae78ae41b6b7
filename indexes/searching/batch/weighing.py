"""The words of one query, weighed as of many times at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from indexes.lexical.bm25 import K1, B, find_idf
from indexes.searching.batch.views import Counts
from indexes.searching.batch.words import WordFinder
from indexes.selections import IntVector

DoubleMatrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighedWords:
    """The postings of a query's terms, one term after the other in sorted order, and what they weigh.

    Attributes:
        places: int32 [n_postings], ascending within a term.
        frequencies: int32 [n_postings].
        lengths: int32 [n_postings], terms of each row.
        starts: int64 [n_terms], where each term begins.
        ends: int64 [n_times, n_terms], where its rows end that are known at a time.
        weights: float64 [n_times, n_terms]; 0 where no visible row holds the term.
        held_back: float64 [n_times, 2], by what k1 and b hold back each row, and each term in it.
    """

    places: npt.NDArray[np.int32]
    frequencies: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]
    starts: IntVector
    ends: npt.NDArray[np.int64]
    weights: DoubleMatrix
    held_back: DoubleMatrix


def weigh_words(
    terms: Mapping[str, int], finder: WordFinder, counts: Counts, times: IntVector
) -> WeighedWords:
    """Return the words of a query, weighed as `indexes.lexical.scoring.weigh_terms` does it for one time.

    Args:
        terms: query term -> times it stands in the query.
        finder: of the view.
        counts: what is visible as of each time.
        times: int64 [n_times], microseconds.
    """
    names = sorted(terms)
    words = [finder.find(name) for name in names]
    starts = np.cumsum([0, *(len(word.places) for word in words)]).astype(np.int64)
    ends = np.empty((len(times), len(names)), dtype=np.int64)
    weights = np.zeros((len(times), len(names)))
    for number, (name, word) in enumerate(zip(names, words, strict=True)):
        known, visible = word.count(counts.prefixes, times)
        ends[:, number] = starts[number] + known
        weights[:, number] = _weigh(terms[name], counts.n_rows, visible)
    return WeighedWords(
        places=_join([word.places for word in words]),
        frequencies=_join([word.frequencies for word in words]),
        lengths=_join([word.lengths for word in words]),
        starts=starts[:-1],
        ends=ends,
        weights=weights,
        held_back=_hold_back(counts),
    )


def weigh_no_words(n_times: int) -> WeighedWords:
    """Return what a question has that words do not answer."""
    none = np.empty(0, dtype=np.int32)
    return WeighedWords(
        places=none,
        frequencies=none,
        lengths=none,
        starts=np.empty(0, dtype=np.int64),
        ends=np.empty((n_times, 0), dtype=np.int64),
        weights=np.empty((n_times, 0)),
        held_back=np.zeros((n_times, 2)),
    )


def _weigh(repeats: int, n_rows: IntVector, visible: IntVector) -> npt.NDArray[np.float64]:
    """Return a term's weights; a logarithm at a time, because an array's may differ in the last digit."""
    pairs = zip(n_rows.tolist(), visible.tolist(), strict=True)
    return np.array([repeats * find_idf(n, held) * (K1 + 1.0) if held else 0.0 for n, held in pairs])


def _hold_back(counts: Counts) -> DoubleMatrix:
    """Return what holds rows back as of each time; of no account where no row has a word."""
    average = np.ones(len(counts.n_rows))
    has_words = counts.total_lengths > 0
    average[has_words] = counts.total_lengths[has_words] / counts.n_rows[has_words]
    held_back = np.empty((len(average), 2))
    held_back[:, 0] = K1 * (1.0 - B)
    held_back[:, 1] = K1 * B / average
    return held_back


def _join(parts: list[npt.NDArray[np.int32]]) -> npt.NDArray[np.int32]:
    return np.concatenate([np.empty(0, dtype=np.int32), *parts])
