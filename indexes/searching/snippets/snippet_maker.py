"""From a hit's text to its snippet: the best sentence or row, others that add to it, cut to a length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Final

from eagleray.contracts.hits import Highlight, Snippet, Span
from indexes.lexical.bm25 import Statistics
from indexes.searching.highlights import FoundWord, Highlighter, place_highlights
from indexes.searching.snippets.evidence import UnitRater, weigh_words
from indexes.searching.snippets.units import Place, Unit, find_units, read_columns

MAX_CHARACTERS: Final = 320
"""Of all sentences or rows that are chosen together, and of each row above them."""

MAX_UNITS: Final = 3
"""Sentences or rows of a snippet."""

MIN_GAIN: Final = 0.1
"""Share of the question's weight that a further sentence or row must add."""

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
        self._given: dict[tuple[str, str], frozenset[str]] = {}

    def make(self, text: str, *, words: Sequence[FoundWord], title: str, heading: str) -> Snippet:
        """Return the snippet of a hit, an empty one of a text without words.

        Args:
            text: of the hit.
            words: those of the question in it.
            title: of its document.
            heading: of its chunk; it names the columns of a table that began before the text.
        """
        columns = read_columns(title, heading)
        units = find_units(text, is_inside_table=columns != "")
        if not units:
            return Snippet()
        given = self._find_given(title, heading)
        chosen = _choose_units(units, UnitRater(text, words, self._question, given), given=given)
        lines = _join_lines(text, chosen)
        cuts = [_cut_line(text, line, words) for line in lines]
        shown = [self._write_line(text, cut, line, words) for cut, line in zip(cuts, lines, strict=True)]
        if columns and chosen[0].is_row and not chosen[0].header:
            shown.insert(0, (columns, self._highlighter.find(columns)))
        return Snippet(
            text="\n".join(line for line, _ in shown),
            spans=tuple(Span(start=start, end=end) for start, end in cuts),
            highlights=_shift_all(shown),
        )

    def _write_line(
        self, text: str, cut: Place, whole: Place, words: Sequence[FoundWord]
    ) -> tuple[str, tuple[Highlight, ...]]:
        """Return a line, with a sign where it was cut, and the words asked for in it."""
        start, end = cut
        before = f"{_CUT} " if start > whole[0] else ""
        after = f" {_CUT}" if end < whole[1] else ""
        line = text[start:end].strip(" ")
        if not line.isprintable():  # line feeds, tabs: one space for each stretch of them
            line = before + " ".join(line.split()) + after
            return line, self._highlighter.find(line)
        base = text.index(line, start) - len(before)
        inside = [word for word in words if start <= word.start and word.end <= end]
        return before + line + after, _shift(place_highlights(inside), -base)

    def _find_given(self, title: str, heading: str) -> frozenset[str]:
        """Return the words of the question that a title or a heading has."""
        given = self._given.get((title, heading))
        if given is None:
            above = self._highlighter.find_words(heading if title in heading else f"{title}\n{heading}")
            given = self._given[title, heading] = frozenset(name for word in above for name in word.names)
        return given


def _choose_units(units: Sequence[Unit], rater: UnitRater, *, given: Set[str]) -> list[Unit]:
    """Return the units that are shown, the best one first.

    Others join it where they are as good, or hold words of the question that are not shown yet, as far as
    there is room.

    Args:
        units: of a text, in order; at least one.
        rater: of the text.
        given: words of the question that are shown anyway.
    """
    if len(units) == 1:
        return list(units)
    evidence = rater.rate(units)
    names = {(unit.start, unit.end): item.names for unit, item in zip(units, evidence, strict=True)}
    places = [place for place, unit in enumerate(units) if not unit.is_named_only] or range(len(units))
    ranked = sorted(places, key=lambda place: (-evidence[place].score, place))
    chosen, shown, room = list[Unit](), set(given), MAX_CHARACTERS
    for place in ranked:
        unit, (score, held) = units[place], evidence[place]
        if chosen:
            is_as_good = score == evidence[ranked[0]].score
            is_new = rater.weigh(held - shown) >= MIN_GAIN * rater.total
            if unit.end - unit.start > room or not (is_as_good or is_new):
                continue
        chosen.append(unit)
        if len(chosen) == MAX_UNITS:
            break
        room -= unit.end - unit.start
        shown.update(*(names[lines] for lines in _list_lines(unit)))
    return chosen


def _list_lines(unit: Unit) -> Iterator[Place]:
    """Yield what is shown of a unit, in order: the rows above it that name it, and itself."""
    yield from unit.header
    if unit.section is not None:
        yield unit.section
    yield unit.start, unit.end


def _join_lines(text: str, chosen: Sequence[Unit]) -> list[Place]:
    """Return what is shown, in the text's order; sentences that follow each other are one line."""
    joined: list[Place] = []
    for start, end in sorted({line for unit in chosen for line in _list_lines(unit)}):
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


def _shift(marks: Sequence[Highlight], by: int) -> tuple[Highlight, ...]:
    return tuple(Highlight(start=mark.start + by, end=mark.end + by) for mark in marks)


def _shift_all(lines: Sequence[tuple[str, tuple[Highlight, ...]]]) -> tuple[Highlight, ...]:
    """Return the marks of lines where they stand in all of them, joined by line feeds."""
    if len(lines) == 1:
        return lines[0][1]
    found: list[Highlight] = []
    begin = 0
    for line, marks in lines:
        found += _shift(marks, begin)
        begin += len(line) + 1
    return tuple(found)
