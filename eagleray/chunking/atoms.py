"""Atoms: the pieces of a document that are not cut where a cut beside them will do.

A sentence, a table row or a heading is an atom. Each knows the headings above it and, inside a
table, the table's header rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from eagleray.chunking.sentences import find_sentence_starts
from eagleray.contracts.documents import Document, Element, ElementKind
from eagleray.documents.elements import split_lines

MAX_HEADER_ROWS: Final = 3
"""Rows that may name the columns of a table, the first ones."""

_AMOUNT: Final = re.compile(r"[($€£¥~+-]*\d[\d,]*(?:\.\d+)?[)%x]*")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_RULE_ROW: Final = re.compile(r"[|:\-+=\s]+")
_HEADING_SIGNS: Final = re.compile(r"^\s*#+\s|\s#+\s*$|\n\s*(?:=+|-+)\s*$|[*`]+|\b_+|_+\b")
_MAX_LABEL: Final = 200
_MAX_READ: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Atom:
    """A piece that begins at `start` and runs to the next one.

    Attributes:
        start: first character, no white space.
        kind: paragraph (a sentence of it), heading or table (a row of it).
        path: headings above it, outermost first; a heading's own text is not in its path.
        table_header: header rows of the table it is a later row of, else `""`.
        page: page of its element.
    """

    start: int
    kind: ElementKind
    path: tuple[str, ...] = ()
    table_header: str = ""
    page: int | None = None


def cut_atoms(document: Document) -> list[Atom]:
    """Return the atoms of a document in order; together they cover all its text."""
    atoms: list[Atom] = []
    headings: list[tuple[int, str]] = []
    path: tuple[str, ...] = ()
    for element in _cover_text(document):
        if element.kind is ElementKind.HEADING:
            headings = [heading for heading in headings if heading[0] < element.level]
            path = tuple(label for _, label in headings)
            atoms.append(Atom(start=element.start, kind=element.kind, path=path, page=element.page))
            label = _read_label(document.text[element.start : element.end])
            if label:
                headings.append((element.level, label))
                path = (*path, label)
        elif element.kind is ElementKind.TABLE:
            atoms += _cut_table(document.text, element, path=path)
        else:
            starts = find_sentence_starts(document.text, start=element.start, end=element.end)
            atoms += [Atom(start=start, kind=element.kind, path=path, page=element.page) for start in starts]
    return atoms


def is_header_row(cells: Sequence[str], *, is_first: bool) -> bool:
    """Return whether a row names columns: no amounts, and more than a label over the rows below."""
    cells = [cell.strip() for cell in cells]
    if any(_AMOUNT.fullmatch(cell) and not _YEAR.fullmatch(cell) for cell in cells):
        return False
    return is_first or any(cells[1:])


def _cover_text(document: Document) -> Iterator[Element]:
    """Yield the elements, trimmed, and paragraphs for text between them."""
    text, cursor = document.text, 0
    for element in document.elements:
        start, end = max(element.start, cursor), min(element.end, len(text))
        if end <= start:
            continue
        yield from _trim(text, ElementKind.PARAGRAPH, start=cursor, end=start)
        yield from _trim(text, element.kind, start=start, end=end, level=element.level, page=element.page)
        cursor = end
    yield from _trim(text, ElementKind.PARAGRAPH, start=cursor, end=len(text))


def _trim(
    text: str, kind: ElementKind, *, start: int, end: int, level: int = 0, page: int | None = None
) -> Iterator[Element]:
    piece = text[start:end]
    if piece.strip():
        first = start + len(piece) - len(piece.lstrip())
        last = start + len(piece.rstrip())
        yield Element(kind=kind, start=first, end=last, level=level, page=page)


def _cut_table(text: str, table: Element, *, path: tuple[str, ...]) -> Iterator[Atom]:
    header: list[str] = []
    label = ""
    is_header = True
    rows = 0
    for start, end in split_lines(text, start=table.start, end=table.end):
        row = text[start:end]
        if not row.strip():
            continue
        first = start + len(row) - len(row.lstrip())
        if is_header:
            is_header = rows < MAX_HEADER_ROWS and is_header_row(
                row.strip().strip("|").split("|"), is_first=rows == 0
            )
            if is_header:
                header.append(row)
            else:
                label = _label_header(header)
        rows += 1
        yield Atom(start=first, kind=table.kind, path=path, table_header=label, page=table.page)


def _label_header(rows: list[str]) -> str:
    """Return header rows on one line, without empty cells and rules."""
    cells = [
        " ".join(cell.split())
        for row in rows
        if not _RULE_ROW.fullmatch(row)
        for cell in row.split("|")
        if cell.strip()
    ]
    label = " | ".join(cells)
    return label if len(label) <= _MAX_LABEL else ""


def _read_label(heading: str) -> str:
    """Return a heading's words: no Markdown signs, no underline, one line."""
    words = _HEADING_SIGNS.sub("", heading[:_MAX_READ]).split()
    return " ".join(words)[:_MAX_LABEL]
