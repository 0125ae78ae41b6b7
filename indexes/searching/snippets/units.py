"""What a snippet is put together of: the sentences of a text, and the rows of its tables.

A row is a line of cells between `|`, as the parsers write them, or of cells between tabs. Rows that follow
each other are a table; its first ones may name the columns, others the rows below them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Final, NamedTuple

from eagleray.chunking.atoms import MAX_HEADER_ROWS, is_header_row
from eagleray.chunking.sentences import find_sentence_starts
from eagleray.documents.elements import is_table_row, split_lines

_RULE: Final = re.compile(r"[|:\-+=\s]*")
"""A row that draws a line between others."""

_HEADING: Final = re.compile(r"#{1,6}[ \t]")
"""How a heading of Markdown begins; a hit has it among its headings, too."""

_MAX_SECTION: Final = 160
"""Characters of a row that names those below it; a longer one is a note."""

Place = tuple[int, int]


class Unit(NamedTuple):
    """A sentence or a row: `text[start:end]`.

    Attributes:
        label_end: of a row, one past its first cell that says something; that of a sentence is its start.
        header: of a row, the rows that name its columns.
        section: the row above that names it and its neighbours.
        is_row: whether it is one.
        is_named_only: whether it tells nothing by itself: the header, a section or a rule of a table, or a
            heading of Markdown.
    """

    start: int
    end: int
    label_end: int
    header: tuple[Place, ...] = ()
    section: Place | None = None
    is_row: bool = False
    is_named_only: bool = False


def find_units(text: str, *, is_inside_table: bool = False) -> list[Unit]:
    """Return the sentences and rows of a text, in order; none overlap.

    Args:
        text: of a chunk.
        is_inside_table: whether it begins behind the header rows of a table.
    """
    units: list[Unit] = []
    for start, end, is_table in _find_blocks(text):
        if is_table:
            units += _cut_table(text, start, end, has_header=not (is_inside_table and not units))
        else:
            units += _cut_sentences(text, start, end)
    return units


def read_columns(title: str, heading: str) -> str:
    """Return the names of columns that a heading ends in, or nothing."""
    last = heading.removeprefix(title).rpartition(" > ")[2]
    return last if " | " in last else ""


def _find_blocks(text: str) -> Iterator[tuple[int, int, bool]]:
    """Yield start, end and kind of each stretch of lines that are rows, or not."""
    if "|" not in text and "\t" not in text:
        if text and not text.isspace():
            yield 0, len(text), False
        return
    lines = [(start, end) for start, end in split_lines(text) if text[start:end].strip()]
    for is_table, block in groupby(zip(lines, _find_rows(text, lines), strict=True), key=itemgetter(1)):
        places = [line for line, _ in block]
        yield places[0][0], places[-1][1], is_table


def _find_rows(text: str, lines: Sequence[Place]) -> list[bool]:
    """Return whether each line is a row; one of tabs alone is none."""
    are_tabbed = ["\t" in text[start:end].strip() for start, end in lines]
    found = [is_table_row(text[start:end].strip()) for start, end in lines]
    for place, ((_, end), (start, _)) in enumerate(pairwise(lines)):
        if start == end + 1 and are_tabbed[place] and are_tabbed[place + 1]:
            found[place] = found[place + 1] = True
    return found


def _cut_sentences(text: str, start: int, end: int) -> Iterator[Unit]:
    start += len(text[start:end]) - len(text[start:end].lstrip())
    for begin, stop in pairwise([*find_sentence_starts(text, start=start, end=end), end]):
        words_end = begin + len(text[begin:stop].rstrip())
        first = begin
        if _HEADING.match(text, begin):
            line_end = text.find("\n", begin, words_end)
            line_end = words_end if line_end < 0 else line_end
            yield Unit(begin, line_end, begin, is_named_only=True)
            first = line_end + len(text[line_end:words_end]) - len(text[line_end:words_end].lstrip())
        if first < words_end:
            yield Unit(first, words_end, first)


def _cut_table(text: str, start: int, end: int, *, has_header: bool) -> Iterator[Unit]:
    header: tuple[Place, ...] = ()
    section: Place | None = None
    rows = 0
    for begin, stop in split_lines(text, start=start, end=end):
        row = text[begin:stop].rstrip()
        if not row or row.isspace():
            continue
        cells = row.strip().strip("|").split("|" if "|" in row else "\t")
        has_header = has_header and rows < MAX_HEADER_ROWS and _is_header(cells, is_first=rows == 0)
        rows += 1
        span = (begin, begin + len(row))
        is_rule = row[-1] in "|-=" and _RULE.fullmatch(row) is not None
        is_section = not has_header and not is_rule and len(row) <= _MAX_SECTION and _is_alone(cells)
        if has_header and not is_rule:
            header = (*header, span)
        if is_section:
            section = span
        tells = not (has_header or is_rule or is_section)
        label_end = begin + row.find(cells[0]) + len(cells[0]) if cells[0] else begin
        yield Unit(
            *span,
            label_end,
            header=() if has_header else header,
            section=section if tells else None,
            is_row=True,
            is_named_only=not tells,
        )


def _is_header(cells: Sequence[str], *, is_first: bool) -> bool:
    """Return whether a row names columns; `$ 5` is an amount as `$5` is."""
    return is_header_row(["".join(cell.split()) for cell in cells], is_first=is_first)


def _is_alone(cells: Sequence[str]) -> bool:
    """Return whether the first cell of a row has no others beside it."""
    return not any(cell and not cell.isspace() for cell in cells[1:])
