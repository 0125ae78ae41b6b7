"""From a hit's text to its snippet: what is chosen, cut to a length, on lines of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from eagleray.contracts.hits import Snippet, Span
from indexes.lexical.bm25 import Statistics
from indexes.searching.highlights import FoundWord, Highlighter
from indexes.searching.snippets.choosing import MAX_CHARACTERS, choose_units, list_lines
from indexes.searching.snippets.evidence import UnitRater, weigh_words
from indexes.searching.snippets.units import Place, Unit, find_units

_CUT: Final = "\u2026"
_WORD_REACH: Final = 24
"""Characters within which a cut moves to the end of a word."""


class SnippetMaker:
    """Makes the snippets of one question's hits."""

    def __init__(self, terms: Mapping[str, int], statistics: Statistics, highlighter: Highlighter) -> None:
        """Take the question.

        Args:
            terms: what it asks for by words, in its order.
            statistics: of the rows that its caller may see.
            highlighter: of the question.
        """
        self._question = weigh_words(terms, statistics)
        self._highlighter = highlighter

    def make(self, text: str, *, words: Sequence[FoundWord], title: str, heading: str) -> Snippet:
        """Return the snippet of a hit, an empty one of a text without words.

        Args:
            text: of the hit.
            words: those of the question in it.
            title: of its document.
            heading: of its chunk; it names the columns of a table that began before the text.
        """
        columns = _read_columns(title, heading)
        units = find_units(text, is_inside_table=columns != "")
        if not units:
            return Snippet()
        above = self._highlighter.find_words(heading if title in heading else f"{title}\n{heading}")
        given = {name for word in above for name in word.names}
        chosen = choose_units(units, UnitRater(text, words, self._question, given), given=given)
        wholes = _join_lines(text, chosen)
        cuts = [_cut_line(text, line, words) for line in wholes]
        lines = [_write_line(text, cut, whole) for cut, whole in zip(cuts, wholes, strict=True)]
        if columns and chosen[0].is_row and not chosen[0].header:
            lines.insert(0, columns)
        shown = "\n".join(lines)
        return Snippet(
            text=shown,
            spans=tuple(Span(start=start, end=end) for start, end in cuts),
            highlights=self._highlighter.find(shown),
        )


def _read_columns(title: str, heading: str) -> str:
    """Return the names of columns that a heading ends in, or nothing."""
    last = heading.removeprefix(title).rpartition(" > ")[2]
    return last if " | " in last else ""


def _join_lines(text: str, chosen: Sequence[Unit]) -> list[Place]:
    """Return what is shown, in the text's order; sentences that follow each other are one line."""
    joined: list[Place] = []
    for start, end in sorted({line for unit in chosen for line in list_lines(unit)}):
        gap = text[joined[-1][1] : start] if joined else "\n"
        if "\n" not in gap and not gap.strip():
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _cut_line(text: str, line: Place, words: Sequence[FoundWord]) -> Place:
    """Return the part of a line that is not too long: its beginning, or where it has most words asked for."""
    start, end = line
    if end - start <= MAX_CHARACTERS:
        return line
    first, last = _find_densest([word for word in words if start <= word.start and word.end <= end])
    if last - start > MAX_CHARACTERS:
        left = min(first - (MAX_CHARACTERS - (last - first)) // 2, end - MAX_CHARACTERS)
        start = max(start, left)
        space = text.find(" ", start, min(first, start + _WORD_REACH))
        start = start if space < 0 else space + 1
    stop = min(end, start + MAX_CHARACTERS)
    space = text.rfind(" ", max(last, stop - _WORD_REACH), stop) if stop < end else -1
    return start, stop if space < 0 else space


def _find_densest(words: Sequence[FoundWord]) -> Place:
    """Return where the most words stand that fit on one line; nothing where there are none."""
    best, most, begin = (0, 0), 0, 0
    for place, word in enumerate(words):
        while begin < place and word.end - words[begin].start > MAX_CHARACTERS:
            begin += 1
        if place - begin >= most:
            best, most = (words[begin].start, word.end), place - begin + 1
    return best


def _write_line(text: str, cut: Place, whole: Place) -> str:
    """Return a line without line feeds and needless spaces, with a sign where it was cut."""
    before = f"{_CUT} " if cut[0] > whole[0] else ""
    after = f" {_CUT}" if cut[1] < whole[1] else ""
    return before + " ".join(text[cut[0] : cut[1]].split()) + after
