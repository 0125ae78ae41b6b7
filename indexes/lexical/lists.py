"""The posting lists of a question: those of its terms as they lie, those of phrases and beginnings made once.

A phrase's list is where its terms' positions follow each other; the list of a beginning joins those of all
terms whose words begin so. Both are lists like any other: rows ascending, so as of T is a prefix of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numba
import numpy as np
import numpy.typing as npt

from indexes.lexical.expressions import read_beginning, read_phrase
from indexes.lexical.postings import IntegerVector, Positions, Postings, cut_ranges
from indexes.selections import IntVector

_MAX_MADE: Final = 32
"""Lists kept at most."""

_MAX_MADE_BYTES: Final = 64 << 20
"""Of the lists that are kept; at a million rows a segment one takes 8 MB at most."""

_EMPTY: Final = np.empty(0, dtype=np.int32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """Posting lists: that of name `i` lies at `starts[i] <= p < ends[i]`.

    Attributes:
        rows: int32, ascending within a list.
        frequencies: int32, occurrences in the row.
        starts: int64 [n_names].
        ends: int64 [n_names].
    """

    rows: IntegerVector
    frequencies: IntegerVector
    starts: IntVector
    ends: IntVector


def find_lists(postings: Postings, names: Sequence[str], *, n_prefix: int) -> Lists:
    """Return the lists of some names (`expressions`), each cut to the rows below `n_prefix`."""
    made = {name: _make(postings, name) for name in names if not _is_term(name)}
    if not made:
        starts, ends = postings.find_ranges(names, n_prefix=n_prefix)
        return Lists(rows=postings.rows, frequencies=postings.frequencies, starts=starts, ends=ends)
    parts = [made[name] if name in made else _slice(postings, name) for name in names]
    lengths = np.array([len(rows) for rows, _ in parts], dtype=np.int64)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    rows = np.concatenate([rows for rows, _ in parts])
    if n_prefix < postings.n_rows:
        cut_ranges(rows, starts, ends, n_prefix)
    frequencies = np.concatenate([frequencies for _, frequencies in parts])
    return Lists(rows=rows, frequencies=frequencies, starts=starts, ends=ends)


def find_holders(postings: Postings, names: Sequence[str], rows: IntVector) -> npt.NDArray[np.bool_]:
    """Return which of some rows are in which list: bool [len(rows), len(names)].

    Args:
        postings: the segment's.
        names: of the lists (`expressions`).
        rows: int64 [n], in any order.
    """
    holds = np.zeros((len(rows), len(names)), dtype=np.bool_)
    if names:
        lists = find_lists(postings, names, n_prefix=postings.n_rows)
        _look_up(lists.rows, lists.starts, lists.ends, rows, holds)
    return holds


def _is_term(name: str) -> bool:
    return read_phrase(name) is None and read_beginning(name) is None


def _slice(postings: Postings, term: str) -> tuple[IntegerVector, IntegerVector]:
    start, end = postings.find_range(term)
    return postings.rows[start:end], postings.frequencies[start:end]


def _make(postings: Postings, name: str) -> tuple[IntegerVector, IntegerVector]:
    """Return rows and frequencies of a phrase or a beginning."""
    found = postings.made.get(name)
    if found is None:
        phrase = read_phrase(name)
        found = _join(postings, name[:-1]) if phrase is None else _follow(postings, phrase)
        held = sum(rows.nbytes + frequencies.nbytes for rows, frequencies in list(postings.made.values()))
        if len(postings.made) >= _MAX_MADE or held > _MAX_MADE_BYTES:
            postings.made.clear()  # other threads hold what they read
        postings.made[name] = found
    return found


def _join(postings: Postings, beginning: str) -> tuple[IntegerVector, IntegerVector]:
    """Return the rows with a word that begins so, and how many such words each has."""
    first, last = postings.vocabulary.find_beginning(beginning)
    words = slice(*postings.surfaces.find_beginning(beginning))
    terms = np.union1d(np.arange(first, last), postings.surface_terms[words])
    if not len(terms):
        return _EMPTY, _EMPTY
    lengths = postings.offsets[terms + 1] - postings.offsets[terms]
    skipped = postings.offsets[terms] - (np.cumsum(lengths) - lengths)
    places = np.arange(lengths.sum()) + np.repeat(skipped, lengths)
    frequencies = np.bincount(postings.rows[places], weights=postings.frequencies[places])
    rows = np.flatnonzero(frequencies)
    return rows.astype(np.int32), frequencies[rows].astype(np.int32)


def _follow(postings: Postings, phrase: Sequence[tuple[int, str]]) -> tuple[IntegerVector, IntegerVector]:
    """Return the rows in which the terms stand at their distances, and how often."""
    numbers = [(place, postings.vocabulary.find(term)) for place, term in phrase]
    held = [(place, number) for place, number in numbers if number is not None]
    if len(held) < len(numbers):
        return _EMPTY, _EMPTY
    held.sort(key=lambda pair: postings.position_offsets[pair[1] + 1] - postings.position_offsets[pair[1]])
    rows, beginnings = _list_occurrences(postings, *held[0])
    for place, number in held[1:]:
        start, end = int(postings.offsets[number]), int(postings.offsets[number + 1])
        is_kept = _find_followers(
            rows,
            beginnings + place,
            postings.rows[start:end],
            postings.frequencies[start:end],
            postings.positions[postings.position_offsets[number] : postings.position_offsets[number + 1]],
        )
        rows, beginnings = rows[is_kept], beginnings[is_kept]
    distinct, counts = np.unique(rows, return_counts=True)
    return distinct, counts.astype(np.int32)


def _list_occurrences(postings: Postings, place: int, number: int) -> tuple[IntegerVector, IntVector]:
    """Return the row of each occurrence of a term, and where the phrase would begin there."""
    held = slice(int(postings.offsets[number]), int(postings.offsets[number + 1]))
    rows = np.repeat(postings.rows[held], postings.frequencies[held])
    words = slice(int(postings.position_offsets[number]), int(postings.position_offsets[number + 1]))
    return rows, postings.positions[words].astype(np.int64) - place


@numba.njit(cache=True, nogil=True)
def _find_followers(
    wanted_rows: IntegerVector,
    wanted: IntVector,
    rows: IntegerVector,
    frequencies: IntegerVector,
    positions: Positions,
) -> IntVector:
    """Return the places of those wanted (row, position) that a term has; rows ascend on both sides."""
    kept = np.empty(len(wanted), dtype=np.int64)
    n, place, first = 0, 0, 0
    for number in range(len(wanted)):
        while place < len(rows) and rows[place] < wanted_rows[number]:
            first += frequencies[place]
            place += 1
        if place == len(rows):
            break
        if rows[place] == wanted_rows[number]:
            for position in range(first, first + frequencies[place]):
                if positions[position] == wanted[number]:
                    kept[n] = number
                    n += 1
                    break
    return kept[:n].copy()


@numba.njit(cache=True, nogil=True)
def _look_up(
    held: IntegerVector, starts: IntVector, ends: IntVector, rows: IntVector, holds: npt.NDArray[np.bool_]
) -> None:
    for name in range(len(starts)):
        for place in range(len(rows)):
            low, high = starts[name], ends[name]
            while low < high:
                middle = (low + high) >> 1
                if held[middle] < rows[place]:
                    low = middle + 1
                else:
                    high = middle
            holds[place, name] = low < ends[name] and held[low] == rows[place]
