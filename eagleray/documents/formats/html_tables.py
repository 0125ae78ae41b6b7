"""HTML tables as `| a | b |` lines: spans resolved, spacer columns dropped, signs joined to numbers.

Source: HTML Living Standard, 4.9.12 (forming a table); filings put `$`, `%` and `)` in cells of
their own, which belong to the number beside them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

_MAX_COLSPAN: Final = 200
_MAX_ROWSPAN: Final = 2000
_MAX_COLUMNS: Final = 1000
_BULLET: Final = re.compile(r"[•·●◦▪■□☐☒✓*\u2013\u2014-]|\(?[0-9]{1,3}[.)]|\(?[a-zA-Z]{1,4}[.)]")
_BEFORE_NUMBER: Final = re.compile(r"[$€£¥(]|\(?\s*(?:US|C|A)?\$|\$\s*\(")
_AFTER_NUMBER: Final = re.compile(r"[)%]|\)\s*%|\)\*|pts?")
_BLOCK_TAGS: Final = frozenset(("p", "div", "br", "li", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6"))

_CELL_TAGS: Final = ("td", "th")

IsSkipped = Callable[[Any], bool]
Row = list[tuple[int, str]]
"""Cells with text: (column, text), columns ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLayout:
    """A table's lines: rows where `is_grid`, else paragraphs."""

    is_grid: bool
    lines: tuple[str, ...]


def find_layout_tables(root: Any) -> set[Any]:
    """Return the tables that hold other tables: they place things on the page."""
    layout: set[Any] = set()
    for table in root.iter("table"):
        outer = next(table.iterancestors("table"), None)
        if outer is not None:
            layout.add(outer)
    return layout


def read_stray_text(table: Any, *, is_skipped: IsSkipped) -> str:
    """Return the text of a table outside its cells: its caption, and what is out of place."""
    return _read_shown(table, lambda node: node.tag in _CELL_TAGS or is_skipped(node))


def read_rows(table: Any, *, is_skipped: IsSkipped) -> list[Row]:
    """Return the cells of a table that holds no other, by grid column.

    Args:
        table: the `<table>` node.
        is_skipped: whether a node and what is below it is not shown.
    """
    rows: list[Row] = []
    taken: dict[int, int] = {}  # column -> rows it is still covered by a cell from above
    for node in table.iter("tr", *_CELL_TAGS):
        if _is_in_cell(node):
            continue  # read with that cell
        if node.tag == "tr":
            cells = [] if is_skipped(node) else list(node.iterchildren(*_CELL_TAGS))
        else:
            cells = [] if node.getparent().tag == "tr" else [node]
        if not cells:
            continue
        row, taken = _place_cells(cells, taken, is_skipped=is_skipped)
        if row:
            rows.append(row)
    return rows


def _is_in_cell(node: Any) -> bool:
    return bool(next(node.iterancestors("table", *_CELL_TAGS)).tag != "table")


def _place_cells(
    cells: list[Any], taken: dict[int, int], *, is_skipped: IsSkipped
) -> tuple[Row, dict[int, int]]:
    """Return a row's cells by column, and the columns its high cells cover in rows below."""
    row: Row = []
    left = {column: n_rows - 1 for column, n_rows in taken.items() if n_rows > 1}
    column = 0
    for cell in cells:
        while column in taken:
            column += 1
        text = "" if is_skipped(cell) else _read_shown(cell, is_skipped)
        if text:
            row.append((column, text))
        width = _read_span(cell, "colspan", limit=_MAX_COLSPAN)
        height = _read_span(cell, "rowspan", limit=_MAX_ROWSPAN)
        if height > 1:
            left |= dict.fromkeys(range(column, min(column + width, _MAX_COLUMNS)), height - 1)
        column += width
    return row, left


def lay_out_table(rows: list[Row]) -> TableLayout:
    """Return the lines of a table; one column, or bullets beside text, are paragraphs."""
    joined = [_join_signs(row) for row in rows]
    columns = sorted({column for row in joined for column, _ in row})
    if len(columns) <= 1 or all(_is_bullet_row(row) for row in joined):
        return TableLayout(is_grid=False, lines=tuple(" ".join(text for _, text in row) for row in joined))
    lines = []
    for row in joined:
        cells = dict(row)
        lines.append(f"| {' | '.join(cells.get(column, '').replace('|', '/') for column in columns)} |")
    return TableLayout(is_grid=True, lines=tuple(lines))


def _is_bullet_row(row: Row) -> bool:
    return len(row) == 1 or (len(row) == 2 and _BULLET.fullmatch(row[0][1]) is not None)


def _join_signs(row: Row) -> Row:
    joined: Row = []
    for column, text in row:
        if (joined and _AFTER_NUMBER.fullmatch(text)) or (joined and _BEFORE_NUMBER.fullmatch(joined[-1][1])):
            joined[-1] = (joined[-1][0], joined[-1][1] + text)
        else:
            joined.append((column, text))
    return joined


def _read_span(cell: Any, name: str, *, limit: int) -> int:
    text = (cell.get(name) or "1").strip()
    return min(max(int(text), 1), limit) if text.isascii() and text.isdigit() and len(text) < 8 else 1


def _read_shown(root: Any, is_skipped: IsSkipped) -> str:
    pieces: list[str] = []
    _gather(root, pieces, is_skipped=is_skipped)
    return " ".join("".join(pieces).replace("\u200b", "").split())


def _gather(root: Any, pieces: list[str], *, is_skipped: IsSkipped) -> None:
    """Add the shown text below a node; a stack rather than recursion, because markup may nest deeply."""
    stack: list[tuple[Any, bool]] = [(root, False)]
    while stack:
        node, is_done = stack.pop()
        if is_done:
            if node is not root:
                pieces.append(" " if node.tag in _BLOCK_TAGS else "")
                pieces.append(node.tail or "")
            continue
        stack.append((node, True))
        if node is not root and is_skipped(node):
            continue
        if node.tag in _BLOCK_TAGS:
            pieces.append(" ")
        pieces.append(node.text or "")
        stack.extend((child, False) for child in reversed(node))
