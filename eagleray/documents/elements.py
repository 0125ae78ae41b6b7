"""Elements of plain text: paragraphs between blank lines, and tables of `|` lines.

Formats that name their structure (Markdown, HTML) find their own elements.
"""

from __future__ import annotations

from collections.abc import Iterator

from eagleray.contracts.documents import Element, ElementKind


def split_lines(text: str, *, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Yield (first character, one past the last) of each line, without its line feed."""
    stop = len(text) if end is None else end
    while start < stop:
        feed = text.find("\n", start, stop)
        if feed < 0:
            feed = stop
        yield start, feed
        start = feed + 1


def find_elements(text: str, *, page: int | None = None, offset: int = 0) -> tuple[Element, ...]:
    """Return the paragraphs and tables of plain text, in order.

    Args:
        text: plain text; lines end in a line feed.
        page: page number to give every element.
        offset: characters in front of `text` in the whole document.
    """
    found: list[Element] = []
    kind, first, last = ElementKind.PARAGRAPH, -1, -1
    for start, end in split_lines(text):
        line = text[start:end].strip()
        line_kind = ElementKind.TABLE if is_table_row(line) else ElementKind.PARAGRAPH
        if first >= 0 and (not line or line_kind is not kind):
            found.append(Element(kind=kind, start=offset + first, end=offset + last, page=page))
            first = -1
        if line:
            last = start + len(text[start:end].rstrip())
            if first < 0:
                kind, first = line_kind, last - len(text[start:last].lstrip())
    if first >= 0:
        found.append(Element(kind=kind, start=offset + first, end=offset + last, page=page))
    return tuple(found)


def is_table_row(line: str) -> bool:
    """Return whether a stripped line is a table row: it begins with `|` and holds another one."""
    return line.startswith("|") and line.find("|", 1) > 0
