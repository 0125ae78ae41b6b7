"""The words of one query in the fields that count, weighed as of many times at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eagleray.contracts.indexes import TextField
from indexes.lexical.bm25 import K1, B, find_idf
from indexes.searching.batch.views import ViewCounts
from indexes.searching.batch.words import WordFinder
from indexes.searching.weights import Boosts
from indexes.selections import IntVector

DoubleMatrix = npt.NDArray[np.float64]
DoubleCube = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighedWords:
    """The postings of a query's terms, and what they weigh.

    A list is a term in a field: field after field, the body first, and in each the terms in sorted order.

    Attributes:
        places: int32 [n_postings], ascending within a list.
        frequencies: int32 [n_postings].
        lengths: int32 [n_postings], terms of each row in the list's field.
        starts: int64 [n_lists], where each list begins.
        ends: int64 [n_times, n_lists], where its rows end that are known at a time.
        weights: float64 [n_times, n_lists]; 0 where no visible row holds the term in the field.
        held_back: float64 [n_times, n_fields, 2], by what k1 and b hold back each row, and each term in it.
        boosts: float64 [n_fields], what a field's score counts; 1 for the body.
    """

    places: npt.NDArray[np.int32]
    frequencies: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]
    starts: IntVector
    ends: npt.NDArray[np.int64]
    weights: DoubleMatrix
    held_back: DoubleCube
    boosts: npt.NDArray[np.float64]


def weigh_words(
    terms: Mapping[str, int], finder: WordFinder, counts: ViewCounts, times: IntVector, *, boosts: Boosts
) -> WeighedWords:
    """Return the words of a query, weighed as `indexes.lexical.scoring.weigh_terms` does it for one time.

    Args:
        terms: query term -> times it stands in the query.
        finder: of the view.
        counts: what is visible as of each time.
        times: int64 [n_times], microseconds.
        boosts: the fields that count besides the body.
    """
    fields: Boosts = ((TextField.BODY, 1.0), *boosts)
    names = [(field, term) for field, _ in fields for term in sorted(terms)]
    words = [finder.find(field, term) for field, term in names]
    n_rows = counts.n_rows
    starts = np.cumsum([0, *(len(word.places) for word in words)]).astype(np.int64)
    ends = np.empty((len(times), len(names)), dtype=np.int64)
    weights = np.zeros((len(times), len(names)))
    for number, ((_, term), word) in enumerate(zip(names, words, strict=True)):
        known, visible = word.count(counts.prefixes, times)
        ends[:, number] = starts[number] + known
        weights[:, number] = _weigh(terms[term], n_rows, visible)
    return WeighedWords(
        places=_join([word.places for word in words]),
        frequencies=_join([word.frequencies for word in words]),
        lengths=_join([word.lengths for word in words]),
        starts=starts[:-1],
        ends=ends,
        weights=weights,
        held_back=np.stack(
            [_hold_back(n_rows, finder.find_lengths(field).find_totals(counts)) for field, _ in fields],
            axis=1,
        ),
        boosts=np.array([weight for _, weight in fields]),
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
        held_back=np.empty((n_times, 0, 2)),
        boosts=np.empty(0),
    )


def _weigh(repeats: int, n_rows: IntVector, visible: IntVector) -> npt.NDArray[np.float64]:
    """Return a term's weights; a logarithm at a time, because an array's may differ in the last digit."""
    pairs = zip(n_rows.tolist(), visible.tolist(), strict=True)
    return np.array([repeats * find_idf(n, held) * (K1 + 1.0) if held else 0.0 for n, held in pairs])


def _hold_back(n_rows: IntVector, total_lengths: IntVector) -> DoubleMatrix:
    """Return what holds rows back as of each time; of no account where no row has a word."""
    average = np.ones(len(n_rows))
    has_words = total_lengths > 0
    average[has_words] = total_lengths[has_words] / n_rows[has_words]
    held_back = np.empty((len(average), 2))
    held_back[:, 0] = K1 * (1.0 - B)
    held_back[:, 1] = K1 * B / average
    return held_back


def _join(parts: list[npt.NDArray[np.int32]]) -> npt.NDArray[np.int32]:
    return np.concatenate([np.empty(0, dtype=np.int32), *parts])
