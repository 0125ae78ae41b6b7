"""Marks of footnotes in a PDF, which its text layer runs together with the number or word before them.

`1,234` with a small raised 1 reads `12341` there. Where a digit is smaller than what stands before it, and
higher, it is a superscript and written as in HTML: `1,234 ¹`.
"""

from __future__ import annotations

import ctypes
import re
from typing import Any, Final

from eagleray.documents.formats.superscripts import write_superscript

_FIGURE: Final = re.compile(r"[^\W_]\d+")
_SMALLER: Final = 0.85
_HIGHER: Final = 0.2
_BESIDE: Final = 0.2


def mark_superscripts(text: str, text_page: Any) -> str:
    """Return a page's text with its raised digits as superscripts.

    Args:
        text: as PDFium returns it for the whole page.
        text_page: PDFium's, open.
    """
    if any(sign > "\uffff" for sign in text):
        return text  # PDFium counts in halves of such characters
    boxes = _Boxes(text_page)
    pieces: list[str] = []
    done = 0
    for figure in _FIGURE.finditer(text):
        begin = _find_mark(figure, boxes)
        if begin:
            pieces += [text[done:begin], text[begin : figure.end()]]
            write_superscript(pieces, len(pieces) - 1)
            done = figure.end()
    return "".join((*pieces, text[done:]))


def _find_mark(figure: re.Match[str], boxes: _Boxes) -> int:
    """Return where the raised digits of a figure begin, or 0; most figures end as they begin."""
    first, last = figure.start(), figure.end() - 1
    is_figure = figure.group()[0].isdigit()
    if not boxes.is_raised(last, over=first, is_figure=is_figure):
        return 0
    return next(
        at for at in range(first + 1, last + 1) if boxes.is_raised(at, over=first, is_figure=is_figure)
    )


class _Boxes:
    """Where the characters of a page stand, in points from its lower left corner."""

    def __init__(self, text_page: Any) -> None:
        import pypdfium2.raw as pdfium

        self._pdfium = pdfium
        self._page = text_page.raw

    def is_raised(self, at: int, *, over: int, is_figure: bool) -> bool:
        """Return whether a character is smaller and higher than one before it.

        Args:
            at: its number in the text.
            over: number of the other.
            is_figure: whether both are digits, whose boxes are of one height; of letters, fonts are compared.
        """
        before, left, bottom, height = self._locate(over)
        after, raised_left, raised_bottom, raised_height = self._locate(at)
        if before < 0 or after < 0 or raised_bottom < bottom + _HIGHER * height:
            return False
        if raised_left < left + _BESIDE * height:
            return False  # lines that run upwards
        if is_figure:
            return raised_height < _SMALLER * height
        size = self._pdfium.FPDFText_GetFontSize(self._page, before)
        return bool(self._pdfium.FPDFText_GetFontSize(self._page, after) < _SMALLER * size)

    def _locate(self, at: int) -> tuple[int, float, float, float]:
        """Return PDFium's number of a character, or -1, and its box: left, bottom, height."""
        number = int(self._pdfium.FPDFText_GetCharIndexFromTextIndex(self._page, at))
        left, right, bottom, top = (ctypes.c_double() for _ in range(4))
        if number < 0 or not self._pdfium.FPDFText_GetCharBox(self._page, number, left, right, bottom, top):
            return -1, 0.0, 0.0, 0.0
        return number, left.value, bottom.value, top.value - bottom.value
