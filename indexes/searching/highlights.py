"""Where the words of a question stand in the texts of its hits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from eagleray.contracts.hits import Highlight
from indexes.lexical.analysis import ENGLISH
from indexes.lexical.expressions import read_beginning
from indexes.searching.stop_words import STOP_SURFACES


class FoundWord(NamedTuple):
    """A word of the question in a text: `text[start:end]`.

    Attributes:
        names: of what the question asks for and the word is: a term, beginnings.
    """

    start: int
    end: int
    names: tuple[str, ...]


class Highlighter:
    """Finds the words of one question; a run that repeats, in one text or in several, is looked into once."""

    def __init__(self, terms: Mapping[str, int]) -> None:
        """Take the question.

        Args:
            terms: what it asks for by words (`indexes.lexical.expressions`).
        """
        self._terms = terms
        self._beginnings = tuple((name, start) for name in terms if (start := read_beginning(name)))
        self._known: dict[str, tuple[FoundWord, ...]] = {}

    def find(self, text: str) -> tuple[Highlight, ...]:
        """Return the spans of the words that are asked for, in order, none within another, no stop word."""
        return place_highlights(self.find_words(text))

    def find_words(self, text: str) -> list[FoundWord]:
        """Return the words that are asked for in order, no stop words; those of a compound may overlap."""
        known, found = self._known, list[FoundWord]()
        for base, run in ENGLISH.find_places(text):
            words = known.get(run)
            if words is None:
                words = known[run] = self._find_in_run(run)
            if words:
                found += [FoundWord(base + start, base + end, names) for start, end, names in words]
        return found

    def _find_in_run(self, run: str) -> tuple[FoundWord, ...]:
        found = []
        for text, start, end, _, surface in ENGLISH.split(run).terms:
            names: tuple[str, ...] = (text,) if text in self._terms else ()
            if self._beginnings:
                names += tuple(name for name, first in self._beginnings if surface.startswith(first))
            if names and surface not in STOP_SURFACES:
                found.append(FoundWord(start, end, names))
        return tuple(found)


def place_highlights(words: list[FoundWord]) -> tuple[Highlight, ...]:
    """Return the spans of words, none within another."""
    found: list[Highlight] = []
    end = 0
    for word in words:
        if word.start >= end:
            end = word.end
            found.append(Highlight(start=word.start, end=end))
    return tuple(found)
