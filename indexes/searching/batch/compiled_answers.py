"""The compiled part: all questions of one query in one view, each as of its own time.

For each question the words are added up row by row, in the order of single searches: those of the body, and
then, field by field, those of titles and headings, which are added up apart and weighted as a whole. The best
rows are kept, looked for in blocks of rows, of which those are skipped whose greatest similarity and greatest
sum of words together would not do. Rounding never turns an order round, so a skipped block holds nothing.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numba
import numpy as np
import numpy.typing as npt

from indexes.dense.vectors import FloatVector
from indexes.selections import IntVector

BLOCK: Final = 32
"""Rows of a block; its bound is one comparison."""

_AT_ONCE: Final = 512
"""Postings whose impacts are computed before they are added: 4 KB."""

DoubleVector = npt.NDArray[np.float64]
DoubleMatrix = npt.NDArray[np.float64]
DoubleCube = npt.NDArray[np.float64]
IntMatrix = npt.NDArray[np.int64]
SmallVector = npt.NDArray[np.int32]

Rows: TypeAlias = tuple[IntVector, IntVector, IntVector]
"""`known_to`, `chunk_ids` and `documents` of the view's rows, int64 [n] each."""

Words: TypeAlias = tuple[
    SmallVector, SmallVector, SmallVector, IntVector, IntMatrix, DoubleMatrix, DoubleCube, DoubleVector
]
"""The fields of `WeighedWords`, in its order."""

Asked: TypeAlias = tuple[IntVector, IntVector, IntVector]
"""Of each question: its time, the rows known by then, and how many hits are wanted; int64 [n] each."""

Blend: TypeAlias = tuple[float, float]
"""Weights of the dense and the lexical channel, 0 for one that does not answer."""

Scales: TypeAlias = tuple[float, float, float, float]
"""The weights of a blend, and the greatest similarity and sum of words among the visible rows."""

Barred: TypeAlias = tuple[int, float, float, float]
"""Hits of one document at most, 0 for any number; least score, similarity and sum of words of a hit."""

Rating: TypeAlias = tuple[Blend, Barred]
"""How the channels make a score, and which rows are no hits."""

Channels: TypeAlias = tuple[FloatVector, FloatVector, DoubleVector, DoubleVector]
"""Of rows, then of blocks, the greatest: similarity, similarity, sum of words, sum of words."""

Moment: TypeAlias = tuple[int, int]
"""A question's time, and the rows known by then."""

Best: TypeAlias = tuple[IntVector, DoubleVector]
"""The hits of one question, best first: place in the view, and score."""

Kept: TypeAlias = tuple[IntMatrix, DoubleMatrix, DoubleMatrix, IntVector]
"""Of each question's hits, best first: place in the view, score, sum of words, [n, n_most]; how many, [n]."""


@numba.njit(cache=True, nogil=True)
def answer_all(
    near: FloatVector,
    rows: Rows,
    words: Words,
    asked: Asked,
    rating: Rating,
    kept: Kept,
) -> None:
    """Answer questions.

    Args:
        near: float32 [n], similarity of each row of the view; empty where only words answer.
        rows: of the view.
        words: of the query.
        asked: the questions.
        rating: of rows.
        kept: written.
    """
    blend, barred = rating
    tops = _find_tops(near)
    sums = np.zeros(len(rows[0]))
    apart = np.zeros(len(sums) if len(words[-1]) > 1 else 0)
    word_tops = np.zeros((len(sums) + BLOCK - 1) // BLOCK)
    times, prefixes, wanted = asked
    for number in range(len(times)):
        n = prefixes[number]
        if blend[1] > 0.0:
            sums[:n] = 0.0
            _add_words(words, number, 0, sums)
            for field in range(1, len(words[-1])):
                _add_words(words, number, field, apart)
                _pour(words, number, field, apart, sums)
            for block in range((n + BLOCK - 1) // BLOCK):
                word_tops[block] = _find_greatest(sums[block * BLOCK : min(n, (block + 1) * BLOCK)])
        greatest = (0.0, 0.0)
        if blend[0] > 0.0 and blend[1] > 0.0:
            greatest = (
                _find_greatest_visible(near, tops, rows[0], times[number], n),
                _find_greatest_visible(sums, word_tops, rows[0], times[number], n),
            )
        places, scores = kept[0][number][: wanted[number]], kept[1][number][: wanted[number]]
        scales = (blend[0], blend[1], greatest[0], greatest[1])
        channels, best = (near, tops, sums, word_tops), (places, scores)
        found = _keep_best(channels, rows, (times[number], n), scales, barred, best)
        for place in range(found):
            kept[2][number, place] = sums[places[place]]
        kept[3][number] = found


@numba.njit(cache=True, nogil=True)
def _find_tops(near: FloatVector) -> FloatVector:
    tops = np.empty((len(near) + BLOCK - 1) // BLOCK, dtype=np.float32)
    for block in range(len(tops)):
        tops[block] = _find_greatest(near[block * BLOCK : min(len(near), (block + 1) * BLOCK)])
    return tops


@numba.njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def _find_greatest(values: npt.NDArray[Any]) -> Any:
    """Return the greatest number, of which there is at least one; none is NaN, so the flags change no bit."""
    greatest = values[0]
    for place in range(1, len(values)):
        greatest = max(greatest, values[place])
    return greatest


@numba.njit(cache=True, nogil=True)
def _add_words(words: Words, number: int, field: int, sums: DoubleVector) -> None:
    """Add up what a field's words give each row.

    Impacts come a stretch at a time, which vector units compute.
    """
    places, frequencies, lengths, starts, ends, weights, held_back, boosts = words
    impacts = np.empty(_AT_ONCE)
    each_row, each_term = held_back[number, field, 0], held_back[number, field, 1]
    n_terms = len(starts) // len(boosts)
    for term in range(field * n_terms, (field + 1) * n_terms):
        weight = weights[number, term]
        if weight == 0.0:
            continue
        for start in range(starts[term], ends[number, term], _AT_ONCE):
            n = min(_AT_ONCE, ends[number, term] - start)
            for step in range(n):
                frequency = np.float64(frequencies[start + step])
                impacts[step] = weight * (
                    frequency / (frequency + each_row + each_term * np.float64(lengths[start + step]))
                )
            for step in range(n):
                sums[places[start + step]] += impacts[step]


@numba.njit(cache=True, nogil=True)
def _pour(words: Words, number: int, field: int, apart: DoubleVector, sums: DoubleVector) -> None:
    """Add a field's scores, weighted, to the sums, and leave nothing of them apart."""
    places, _, _, starts, ends, weights, _, boosts = words
    n_terms = len(starts) // len(boosts)
    for term in range(field * n_terms, (field + 1) * n_terms):
        if weights[number, term] == 0.0:
            continue
        for step in range(starts[term], ends[number, term]):
            place = places[step]
            sums[place] += boosts[field] * apart[place]
            apart[place] = 0.0


@numba.njit(cache=True, nogil=True)
def _find_greatest_visible(
    values: npt.NDArray[Any], tops: npt.NDArray[Any], known_to: IntVector, time: int, n: int
) -> float:
    """Return the greatest number of the visible rows among the first `n`; minus infinity without any."""
    greatest = -np.inf
    for block in range((n + BLOCK - 1) // BLOCK):
        if tops[block] > greatest:
            for row in range(block * BLOCK, min(n, (block + 1) * BLOCK)):
                if values[row] > greatest and known_to[row] > time:
                    greatest = np.float64(values[row])
    return greatest


@numba.njit(cache=True, nogil=True)
def _keep_best(
    channels: Channels, rows: Rows, moment: Moment, scales: Scales, barred: Barred, best: Best
) -> int:
    """Write the best rows and their scores, best first, and return how many they are."""
    near, tops, sums, word_tops = channels
    time, n = moment
    scores = best[1]
    is_near, is_worded = scales[0] > 0.0, scales[1] > 0.0
    _, least, least_near, least_word = barred
    n_kept = 0
    for block in range((n + BLOCK - 1) // BLOCK):
        top = _blend(tops[block] if is_near else np.float32(0.0), word_tops[block], scales)
        if top < least:
            continue
        for row in range(block * BLOCK, min(n, (block + 1) * BLOCK)):
            if not is_near and sums[row] == 0.0:
                continue  # a row without a word is no hit of words
            word = sums[row] if is_worded else 0.0
            score = _blend(near[row] if is_near else np.float32(0.0), word, scales)
            if score < least or rows[0][row] <= time:
                continue
            if (is_near and near[row] < least_near) or (is_worded and word < least_word):
                continue
            n_kept = _keep(row, score, rows, barred[0], best, n_kept)
            if n_kept == len(scores):
                least = scores[n_kept - 1]  # the worst one kept, at least what was asked
    return n_kept


@numba.njit(cache=True, nogil=True)
def _blend(near: np.float32, word: float, scales: Scales) -> float:
    """Return a row's score; of two channels as `indexes.fusion.convex.combine_scores` computes it."""
    dense, lexical, greatest, greatest_word = scales
    if lexical == 0.0:
        return np.float64(near)
    if dense == 0.0:
        return word
    share = max(np.float64(near), 0.0) / greatest if greatest > 0.0 else 0.0
    word_share = word / greatest_word if greatest_word > 0.0 else 0.0
    return dense * share + lexical * word_share


@numba.njit(cache=True, nogil=True)
def _keep(row: int, score: float, rows: Rows, n_per_document: int, best: Best, n: int) -> int:
    """Put a row where it belongs among those kept, and return how many these are."""
    places, scores = best
    _, chunk_ids, documents = rows
    if n_per_document:
        held = 0
        for slot in range(n):
            held += documents[places[slot]] == documents[row]
            if held == n_per_document:
                if not _is_better(score, chunk_ids[row], scores[slot], chunk_ids[places[slot]]):
                    return n
                n -= 1
                for after in range(slot, n):
                    places[after], scores[after] = places[after + 1], scores[after + 1]
                break
    slot = n
    if n == len(scores):
        slot -= 1
        if not _is_better(score, chunk_ids[row], scores[slot], chunk_ids[places[slot]]):
            return n
    else:
        n += 1
    while slot > 0 and _is_better(score, chunk_ids[row], scores[slot - 1], chunk_ids[places[slot - 1]]):
        places[slot], scores[slot] = places[slot - 1], scores[slot - 1]
        slot -= 1
    places[slot], scores[slot] = row, score
    return n


@numba.njit(cache=True, nogil=True)
def _is_better(score: float, identity: int, other: float, other_identity: int) -> bool:
    return score > other or (score == other and identity < other_identity)
