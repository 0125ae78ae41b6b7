"""Where the words of a question stand in the texts of its hits."""

from __future__ import annotations

from collections.abc import Mapping

from eagleray.contracts.hits import Highlight
from indexes.lexical.analysis import ENGLISH
from indexes.lexical.expressions import read_beginning


class Highlighter:
    """Finds the words of one question; a run that repeats, in one text or in several, is looked into once."""

    def __init__(self, terms: Mapping[str, int]) -> None:
        """Take the question.

        Args:
            terms: what it asks for by words (`indexes.lexical.expressions`).
        """
        self._terms = terms
        self._beginnings = tuple(beginning for beginning in map(read_beginning, terms) if beginning)
        self._known: dict[str, tuple[tuple[int, int], ...]] = {}

    def find(self, text: str) -> tuple[Highlight, ...]:
        """Return the spans of the words that are asked for, in order, none within another."""
        found: list[Highlight] = []
        end = 0
        for base, run in ENGLISH.find_places(text):
            spans = self._known.get(run)
            if spans is None:
                spans = self._known[run] = self._find_spans(run)
            for start, stop in spans:
                if base + start >= end:
                    end = base + stop
                    found.append(Highlight(start=base + start, end=end))
        return tuple(found)

    def _find_spans(self, run: str) -> tuple[tuple[int, int], ...]:
        return tuple(
            (term.start, term.end)
            for term in ENGLISH.split(run).terms
            if term.text in self._terms or term.surface.startswith(self._beginnings)
        )
