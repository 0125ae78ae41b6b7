"""Markdown: headings (`#` and underlined), pipe tables and paragraphs; the text stays as written.

Source: CommonMark 0.31, sections 4.2 (ATX headings), 4.3 (setext headings) and 4.5 (fenced code);
GitHub Flavored Markdown, section 4.10 (tables).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from eagleray.contracts.documents import DeadLetter, Element, ElementKind
from eagleray.contracts.sources import RawRecord
from eagleray.documents.decoding import decode_text
from eagleray.documents.elements import is_table_row, split_lines
from eagleray.documents.records import InputFile, make_file_record

_ATX: Final = re.compile(r" {0,3}(#{1,6})(?=[ \t]|\Z)")
_SETEXT: Final = re.compile(r" {0,3}(=+|-{2,})[ \t]*")
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
_MARKS: Final = re.compile(r"[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}")


def parse_markdown(data: bytes, file: InputFile) -> Iterator[RawRecord | DeadLetter]:
    """Yield the file as one record; its title is the first heading, else the file's name."""
    text = decode_text(data, file)
    if isinstance(text, DeadLetter):
        yield text
        return
    elements = find_markdown_elements(text)
    first = next((element for element in elements if element.kind is ElementKind.HEADING), None)
    title = read_heading(text[first.start : first.end]) if first else ""
    yield make_file_record(file, title=title, text=text, elements=elements)


def read_heading(line: str) -> str:
    """Return the words of a heading's span, without the signs that make it one."""
    words = line.split("\n", 1)[0]
    match = _ATX.match(words)
    if match:
        written = words[match.end() :].strip(" \t")
        words = written.rstrip("#")
        if words and not words.endswith((" ", "\t")):
            words = written  # signs that are part of the last word
    return " ".join(_MARKS.sub("", words).split())


def find_markdown_elements(text: str) -> tuple[Element, ...]:
    """Return headings, tables and paragraphs in order; fenced code is one paragraph."""
    blocks = _Blocks(text)
    fence = ""
    for start, end in split_lines(text):
        line = text[start:end]
        opening = _FENCE.match(line)
        if fence:
            blocks.extend(ElementKind.PARAGRAPH, start, end=end)
            if opening and opening.group(1).startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
                blocks.close()
        elif opening:
            blocks.close()
            blocks.extend(ElementKind.PARAGRAPH, start, end=end)
            fence = opening.group(1)
        else:
            _add_line(blocks, line, start=start, end=end)
    blocks.close()
    return tuple(blocks.elements)


def _add_line(blocks: _Blocks, line: str, *, start: int, end: int) -> None:
    if not line.strip():
        blocks.close()
    elif heading := _ATX.match(line):
        blocks.close()
        blocks.extend(ElementKind.HEADING, start, end=end)
        blocks.close(level=len(heading.group(1)))
    elif blocks.n_lines == 1 and blocks.kind is ElementKind.PARAGRAPH and (rule := _SETEXT.fullmatch(line)):
        blocks.kind = ElementKind.HEADING
        blocks.extend(ElementKind.HEADING, start, end=end)
        blocks.close(level=1 if rule.group(1).startswith("=") else 2)
    elif is_table_row(line.strip()) or (blocks.is_in_table and line.lstrip().startswith("|")):
        blocks.extend(ElementKind.TABLE, start, end=end)
    else:
        # A cell may run over lines: a table goes on until a blank line.
        kind = ElementKind.TABLE if blocks.is_in_open_row else ElementKind.PARAGRAPH
        blocks.extend(kind, start, end=end)


class _Blocks:
    """Gathers lines into elements."""

    def __init__(self, text: str) -> None:
        self.elements: list[Element] = []
        self.kind = ElementKind.PARAGRAPH
        self.n_lines = 0
        self._text = text
        self._start = 0
        self._end = 0

    @property
    def is_in_table(self) -> bool:
        """Whether the open block is a table."""
        return self.n_lines > 0 and self.kind is ElementKind.TABLE

    @property
    def is_in_open_row(self) -> bool:
        """Whether the table row before has not been closed by a `|`."""
        return self.is_in_table and self._text[self._end - 1] != "|"

    def extend(self, kind: ElementKind, start: int, *, end: int) -> None:
        """Add a line to the open block, or close it and begin another where the kind differs."""
        line = self._text[start:end]
        if not line.strip():
            return
        if self.n_lines and kind is not self.kind:
            self.close()
        if not self.n_lines:
            self.kind = kind
            self._start = start + len(line) - len(line.lstrip())
        self.n_lines += 1
        self._end = start + len(line.rstrip())

    def close(self, *, level: int = 0) -> None:
        """End the open block, if there is one."""
        if self.n_lines:
            self.elements.append(Element(kind=self.kind, start=self._start, end=self._end, level=level))
        self.n_lines = 0
