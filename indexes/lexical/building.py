"""Building postings: one pass over the texts, then a counting sort of what stood in them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from indexes.lexical.analysis import ENGLISH
from indexes.lexical.postings import Postings
from indexes.lexical.vocabulary import Vocabulary, build_vocabulary
from indexes.selections import IntVector

_MAX_RUNS: Final = 100_000
"""Runs whose terms' numbers are kept at hand."""

IntegerVector = npt.NDArray[np.int32]


def build_postings(texts: Iterable[str]) -> Postings:
    """Return the postings of `texts`; row `i` is the `i`-th of them.

    Holds about 16 bytes for each word while it works.

    Args:
        texts: of the rows, in row order; read once, one at a time.
    """
    reading = _Reading()
    for text in texts:
        reading.read(text)
    vocabulary, order = build_vocabulary(list(reading.numbers))
    places = np.empty(len(order), dtype=np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    lengths = np.array(reading.lengths, dtype=np.int32)
    rows, positions, starts = _sort(reading, places, lengths)
    n_held, frequencies = _collapse(rows, starts)
    surfaces, surface_terms = _list_surfaces(reading.surfaces, places)
    return Postings(
        vocabulary=vocabulary,
        offsets=_sum_up(n_held),
        rows=rows[: len(frequencies)].copy(),
        frequencies=frequencies,
        lengths=lengths,
        positions=_narrow(positions),
        position_offsets=starts,
        surfaces=surfaces,
        surface_terms=surface_terms,
    )


class _KnownRun(NamedTuple):
    """Numbers of a run's terms, the words they stand at, and how many words it has."""

    numbers: tuple[int, ...]
    words: tuple[int, ...]
    n_words: int


class _Reading:
    """What stood in the texts: terms by number in the order of their first appearance.

    Attributes:
        numbers: term -> number.
        surfaces: word before stemming -> number of its term, where the two differ.
        terms: number of each term that was read.
        words: number of its word within its text.
        lengths: terms of each text.
    """

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.surfaces: dict[str, int] = {}
        self.terms, self.words, self.lengths = array("i"), array("i"), array("i")
        self._runs: dict[str, _KnownRun] = {}

    def read(self, text: str) -> None:
        before, words = len(self.terms), 0
        for run in ENGLISH.find_runs(text):
            known = self._runs.get(run) or self._learn(run)
            self.terms.extend(known.numbers)
            self.words.extend([words + word for word in known.words])
            words += known.n_words
        self.lengths.append(len(self.terms) - before)

    def _learn(self, run: str) -> _KnownRun:
        terms, n_words = ENGLISH.split(run)
        numbers = [self.numbers.setdefault(term.text, len(self.numbers)) for term in terms]
        for term, number in zip(terms, numbers, strict=True):
            if term.surface != term.text:
                self.surfaces.setdefault(term.surface, number)
        known = _KnownRun(tuple(numbers), tuple(term.word for term in terms), n_words)
        if len(self._runs) >= _MAX_RUNS:
            self._runs.clear()
        self._runs[run] = known
        return known


def _sort(
    reading: _Reading, places: IntegerVector, lengths: IntegerVector
) -> tuple[IntegerVector, IntegerVector, IntVector]:
    """Return row and word of everything read, by term, and where each term begins; empties the reading."""
    terms = places[np.frombuffer(reading.terms, dtype=np.int32)]
    reading.terms = array("i")
    starts = _sum_up(np.bincount(terms, minlength=len(places)))
    words = np.frombuffer(reading.words, dtype=np.int32)
    reading.words = array("i")
    return (*_sort_by_term(terms, words, lengths, starts), starts)


def _list_surfaces(surfaces: dict[str, int], places: IntegerVector) -> tuple[Vocabulary, IntegerVector]:
    """Return the words before stemming, sorted, and the term of each."""
    vocabulary, order = build_vocabulary(list(surfaces))
    numbers = np.fromiter(surfaces.values(), dtype=np.int64, count=len(surfaces))
    return vocabulary, places[numbers[order]]


def _sum_up(counts: npt.NDArray[np.int64]) -> IntVector:
    """Return int64 [n + 1]: where each part begins, and the end."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def _narrow(positions: IntegerVector) -> npt.NDArray[np.uint16] | IntegerVector:
    """Return the positions in half the space, where they fit."""
    return positions if len(positions) and positions.max() > 0xFFFF else positions.astype(np.uint16)


@numba.njit(cache=True, nogil=True)
def _sort_by_term(
    terms: IntegerVector, words: IntegerVector, lengths: IntegerVector, starts: IntVector
) -> tuple[IntegerVector, IntegerVector]:
    """Return row and word of everything read, by term: a counting sort, so rows and words ascend."""
    rows, positions = np.empty(len(terms), dtype=np.int32), np.empty(len(terms), dtype=np.int32)
    free = starts[:-1].copy()
    source = 0
    for row in range(len(lengths)):
        for _ in range(lengths[row]):
            target = free[terms[source]]
            free[terms[source]] += 1
            rows[target] = row
            positions[target] = words[source]
            source += 1
    return rows, positions


@numba.njit(cache=True, nogil=True)
def _collapse(rows: IntegerVector, starts: IntVector) -> tuple[IntVector, IntegerVector]:
    """Bring each row of a term down to one in place; return rows held by each term, and how often each."""
    n_held = np.zeros(len(starts) - 1, dtype=np.int64)
    frequencies = np.empty(len(rows), dtype=np.int32)
    n = 0
    for term in range(len(starts) - 1):
        for place in range(starts[term], starts[term + 1]):
            if place > starts[term] and rows[n - 1] == rows[place]:
                frequencies[n - 1] += 1
            else:
                rows[n] = rows[place]
                frequencies[n] = 1
                n += 1
                n_held[term] += 1
    return n_held, frequencies[:n].copy()
