"""Blocks of an HTML page while it is walked, and the text with elements they become.

Filings seldom use `<h1>`: a short block all in bold or italics is a heading too, parts above items
above other bold lines above italics.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from eagleray.contracts.documents import Element, ElementKind
from eagleray.documents.formats.html_tables import lay_out_table
from eagleray.documents.formats.superscripts import write_superscript

_MAX_GUESSED_HEADING: Final = 150
_PART: Final = re.compile(r"(?i)part\s+[ivx]+\b")
_ITEM: Final = re.compile(r"(?i)(item\s+\d+[a-z]?|note\s+\d+)\b")
_TITLE_LEVELS: Final = ((_PART, 2), (_ITEM, 3))
_OTHER_BOLD_LEVEL: Final = 4
_ITALIC_LEVEL: Final = 5
_SPACES: Final = re.compile(r"[^\S\n]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How text is shown, as far as it matters here."""

    is_bold: bool = False
    is_italic: bool = False
    is_verbatim: bool = False


class BlockWriter:
    """Gathers inline text into blocks and blocks into a text with elements."""

    def __init__(self) -> None:
        self.first_heading = ""
        self._text: list[str] = []
        self._length = 0
        self._elements: list[Element] = []
        self._pieces: list[str] = []
        self._styles: set[tuple[bool, bool]] = set()
        self._level = 0
        self._is_item = False
        self._superscripts: list[int] = []

    def add_text(self, text: str | None, style: Style) -> None:
        """Add inline text to the open block; white space collapses except in `<pre>`."""
        if not text:
            return
        self._pieces.append(text if style.is_verbatim else " ".join(_split_keeping_ends(text)))
        if text.strip():
            self._styles.add((style.is_bold, style.is_italic))

    def begin_superscript(self) -> None:
        """Take what follows, up to `end_superscript`, for a superscript."""
        self._superscripts.append(len(self._pieces))

    def end_superscript(self) -> None:
        """End the superscript that was begun last, and write it in the place of its text."""
        if self._superscripts:
            write_superscript(self._pieces, self._superscripts.pop())

    def break_line(self) -> None:
        """Begin a new line in the open block."""
        self._pieces.append("\n")

    def begin_heading(self, level: int) -> None:
        """Make the block that begins a heading of `level` 1 to 6."""
        self._level = level

    def end_heading(self) -> None:
        """End the open block and the heading; one without text makes no heading of what comes next."""
        self.close_block()
        self._level = 0

    def begin_item(self) -> None:
        """Make the block that begins a list item."""
        self._is_item = True

    def end_item(self) -> None:
        """End the open block and the list item; one without text makes no item of what comes next."""
        self.close_block()
        self._is_item = False

    def close_block(self) -> None:
        """End the open block and write it, if it has text."""
        text = _tidy("".join(self._pieces))
        if text:
            level = self._level or self._guess_level(text)
            if level:
                text = " ".join(text.split())
                # A bold line is a guess: good for the path of headings, too weak for a title.
                self.first_heading = self.first_heading or (text if self._level else "")
                self._write(ElementKind.HEADING, text, level=level)
            else:
                self._write(ElementKind.PARAGRAPH, f"- {text}" if self._is_item else text)
            self._is_item = False
            self._level = 0
        self._pieces.clear()
        self._superscripts.clear()
        self._styles.clear()

    def add_paragraph(self, text: str) -> None:
        """Write a paragraph of its own, if it has text."""
        self.close_block()
        if text:
            self._write(ElementKind.PARAGRAPH, text)

    def add_table(self, rows: list[list[tuple[int, str]]]) -> None:
        """Write a table, or paragraphs where its grid only places text on the page."""
        self.close_block()
        layout = lay_out_table(rows)
        if layout.is_grid:
            self._write(ElementKind.TABLE, "\n".join(layout.lines))
            return
        for line in layout.lines:
            level = self._find_title_level(line)
            self._write(ElementKind.HEADING if level else ElementKind.PARAGRAPH, line, level=level)

    def finish(self) -> tuple[str, tuple[Element, ...]]:
        """Return the whole text and its elements."""
        self.close_block()
        return "".join(self._text), tuple(self._elements)

    def _guess_level(self, text: str) -> int:
        if len(text) > _MAX_GUESSED_HEADING or self._is_item or text.endswith((",", ";", ":")):
            return 0
        if not any(character.isalpha() for character in text):
            return 0
        if all(is_bold for is_bold, _ in self._styles):
            return self._find_title_level(text) or _OTHER_BOLD_LEVEL
        is_title = all(is_italic for _, is_italic in self._styles) and not text.endswith((".", ")"))
        return _ITALIC_LEVEL if is_title else 0

    @staticmethod
    def _find_title_level(text: str) -> int:
        if len(text) > _MAX_GUESSED_HEADING:
            return 0
        return next((level for pattern, level in _TITLE_LEVELS if pattern.match(text)), 0)

    def _write(self, kind: ElementKind, text: str, *, level: int = 0) -> None:
        if self._text:
            self._text.append("\n\n")
            self._length += 2
        end = self._length + len(text)
        self._elements.append(Element(kind=kind, start=self._length, end=end, level=level))
        self._text.append(text)
        self._length = end


def _split_keeping_ends(text: str) -> list[str]:
    """Return the words, with an empty one at an end that had white space."""
    words = text.split()
    if not words:
        return ["", ""]
    return ([""] if text[0].isspace() else []) + words + ([""] if text[-1].isspace() else [])


def _tidy(text: str) -> str:
    lines = (_SPACES.sub(" ", line).strip() for line in text.replace("\u200b", "").split("\n"))
    return "\n".join(line for line in lines if line)
