"""HTML tables as `| a | b |` lines: spans resolved, spacer columns dropped, signs joined to numbers.

Source: HTML Living Standard, 4.9.12 (forming a table); filings put `$`, `%` and `)` in cells of
their own, which belong to the number beside them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Set
from dataclasses import dataclass
from typing import Any, Final

from eagleray.documents.formats.superscripts import is_superscript, write_superscript

_MAX_COLSPAN: Final = 200
_MAX_ROWSPAN: Final = 2000
_MAX_COVERED: Final = 256
_MAX_SPARSE: Final = 16
_MIN_GRID: Final = 10_000
_MAX_JOINED: Final = 64
_BULLET: Final = re.compile(r"[•·●◦▪■□☐☒✓*\u2013\u2014-]|\(?[0-9]{1,3}[.)]|\(?[a-zA-Z]{1,4}[.)]")
_BEFORE_NUMBER: Final = re.compile(r"[$€£¥(]|\(?\s*(?:US|C|A)?\$|\$\s*\(")
_AFTER_NUMBER: Final = re.compile(r"[)%]|\)\s*%|\)\*|pts?")
_BLOCK_TAGS: Final = frozenset(("p", "div", "br", "li", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6"))

_CELLS: Final = ("td", "th")

Row = list[tuple[int, str]]
"""Cells with text: (column, text), columns ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLayout:
    """A table's lines: rows where `is_grid`, else paragraphs."""

    is_grid: bool
    lines: tuple[str, ...]


def find_layout_tables(root: Any) -> set[Any]:
    """Return the tables that hold other tables: they place things on the page."""
    from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

    layout: set[Any] = set()
    outer: list[Any] = []
    for event, table in etree.iterwalk(root, events=("start", "end"), tag="table"):
        if event == "end":
            outer.pop()
        else:
            layout.update(outer[-1:])
            outer.append(table)
    return layout


def read_stray_text(table: Any, *, unread: Set[Any]) -> str:
    """Return the text of a table outside its cells: its caption, and what is out of place."""
    return _read_shown(table, unread, without=_CELLS)


def read_rows(table: Any, *, unread: Set[Any]) -> list[Row]:
    """Return the cells of a table that holds no other, by grid column.

    Args:
        table: the `<table>` node.
        unread: nodes that are not shown, and what is below them.
    """
    rows: list[Row] = []
    covered = _Covered()
    for cells in _find_rows(table, unread=unread):
        row = _place_cells(cells, covered, unread=unread)
        if row:
            rows.append(row)
    return rows


def _find_rows(table: Any, *, unread: Set[Any]) -> Iterator[list[Any]]:
    """Yield the cells of each row; a cell in no row is a row of its own, one in a cell is read with that."""
    from lxml import etree

    walker = etree.iterwalk(table, events=("start",), tag=("tr", *_CELLS))
    for _, node in walker:
        if node.tag != "tr":
            walker.skip_subtree()
            if node.getparent().tag != "tr":
                yield [node]
        elif node not in unread and (cells := list(node.iterchildren(*_CELLS))):
            yield cells


class _Covered:
    """Which columns of a row are covered by cells from above.

    Attributes:
        row: number of the row that is placed.
    """

    def __init__(self) -> None:
        self.row = 0
        self._until = [0] * _MAX_COVERED  # by column: the first row that is free again
        self._beyond = [0] * _MAX_COVERED  # by column: the first column behind the cell that covers it

    def skip(self, column: int) -> int:
        """Return the first column from `column` on that is free."""
        while column < _MAX_COVERED and self._until[column] > self.row:
            column = self._beyond[column]
        return column

    def add(self, column: int, *, width: int, height: int) -> None:
        """Cover columns in the `height - 1` rows below."""
        beyond = min(column + width, _MAX_COVERED)
        if height > 1 and column < beyond:
            self._until[column:beyond] = [self.row + height] * (beyond - column)
            self._beyond[column:beyond] = [beyond] * (beyond - column)


def _place_cells(cells: list[Any], covered: _Covered, *, unread: Set[Any]) -> Row:
    """Return a row's cells by column, and go on to the next row."""
    row: Row = []
    spans: list[tuple[int, int, int]] = []
    column = 0
    for cell in cells:
        column = covered.skip(column)
        text = "" if cell in unread else _read_shown(cell, unread)
        if text:
            row.append((column, text))
        width = _read_span(cell, "colspan", limit=_MAX_COLSPAN)
        spans.append((column, width, _read_span(cell, "rowspan", limit=_MAX_ROWSPAN)))
        column += width
    for first, width, height in spans:
        covered.add(first, width=width, height=height)
    covered.row += 1
    return row


def lay_out_table(rows: list[Row]) -> TableLayout:
    """Return the lines of a table; one column, or bullets beside text, are paragraphs."""
    joined = [_join_signs(row) for row in rows]
    columns = sorted({column for row in joined for column, _ in row})
    if len(columns) <= 1 or all(_is_bullet_row(row) for row in joined):
        return TableLayout(is_grid=False, lines=tuple(" ".join(text for _, text in row) for row in joined))
    n_cells = sum(map(len, joined))
    # Where cells are far between, a full grid would be mostly bars, and as long as rows times columns.
    is_sparse = len(columns) * len(joined) > _MAX_SPARSE * n_cells + _MIN_GRID
    lines = []
    for row in joined:
        cells = dict(row)
        shown = cells if is_sparse else columns
        lines.append(f"| {' | '.join(cells.get(column, '').replace('|', '/') for column in shown)} |")
    return TableLayout(is_grid=True, lines=tuple(lines))


def _is_bullet_row(row: Row) -> bool:
    return len(row) == 1 or (len(row) == 2 and _BULLET.fullmatch(row[0][1]) is not None)


def _join_signs(row: Row) -> Row:
    joined: Row = []
    for column, text in row:
        before = joined[-1][1] if joined else ""
        if len(before) > _MAX_JOINED or not joined:
            joined.append((column, text))
        elif _AFTER_NUMBER.fullmatch(text) or _BEFORE_NUMBER.fullmatch(before):
            joined[-1] = (joined[-1][0], before + text)
        else:
            joined.append((column, text))
    return joined


def _read_span(cell: Any, name: str, *, limit: int) -> int:
    text = (cell.get(name) or "1").strip()
    return min(max(int(text), 1), limit) if text.isascii() and text.isdigit() and len(text) < 8 else 1


def _read_shown(root: Any, unread: Set[Any], *, without: Collection[str] = ()) -> str:
    """Return the shown text below a node; a stack rather than recursion, because markup may nest deeply."""
    pieces: list[str] = []
    superscripts: list[int] = []
    stack: list[tuple[Any, bool]] = [(root, False)]
    while stack:
        node, is_done = stack.pop()
        is_raised = node is not root and is_superscript(node)
        if is_done:
            if is_raised:
                write_superscript(pieces, superscripts.pop())
            if node is not root:
                pieces += [" " if node.tag in _BLOCK_TAGS else "", node.tail or ""]
            continue
        if node is not root and (node in unread or node.tag in without):
            pieces += [" " if node.tag in _BLOCK_TAGS else "", node.tail or ""]
            continue
        stack.append((node, True))
        if node.tag in _BLOCK_TAGS:
            pieces.append(" ")
        if is_raised:
            superscripts.append(len(pieces))
        pieces.append(node.text or "")
        stack.extend((child, False) for child in reversed(node))
    return " ".join("".join(pieces).replace("\u200b", "").split())
