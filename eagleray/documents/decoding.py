"""Bytes to text, by the rules of docs/text.md: marks, what the file declares, UTF-8, never half a text."""

from __future__ import annotations

import codecs
from typing import Final

from eagleray.contracts.documents import DeadLetter, DeadLetterReason
from eagleray.documents.encodings import REPLACEMENT, decode_as, is_single_byte
from eagleray.documents.records import InputFile

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HALVES_BYTES: Final = 4096


def decode_text(data: bytes, file: InputFile, *, declared: str | None = None) -> str | DeadLetter:
    """Return a file's text with line feeds as line ends, or a dead letter with a wrong byte's offset.

    Args:
        data: the whole file.
        file: where it was read.
        declared: name of the encoding the file itself declares, as `find_encoding` returns it.
    """
    mark, encoding = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", ""))
    if not encoding:
        if declared == REPLACEMENT:
            detail = "it declares an encoding that no browser decodes either; convert it to UTF-8"
            return file.reject(DeadLetterReason.INVALID_ENCODING, detail)
        encoding = _find_wide(data) or _choose(data, declared)
    try:
        text = decode_as(data[len(mark) :], encoding)
    except UnicodeDecodeError as error:
        at = len(mark) + error.start
        detail = f"byte {at} is not valid {encoding}: {error.reason}; convert it to UTF-8"
        return file.reject(DeadLetterReason.INVALID_ENCODING, detail)
    fault = find_unstorable(text)
    if fault:
        return file.reject(DeadLetterReason.INVALID_ENCODING, f"{fault}; convert it to UTF-8 text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def find_unstorable(text: str) -> str:
    """Return what in a text can be neither stored nor shown, or `""`: a NUL, half a character, a byte."""
    nul = text.find("\x00")
    if nul >= 0:
        return f"character {nul} is a NUL, which no text holds"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        is_byte = "\udc80" <= text[error.start] <= "\udcff"  # how Python notes a byte that is no UTF-8
        found = "a byte that is no UTF-8, or " if is_byte else ""
        return f"character {error.start} is {found}half a character (a lone surrogate)"
    return ""


def _choose(data: bytes, declared: str | None) -> str:
    """Return the declared encoding, but UTF-8 where the bytes say so: tools convert and leave the label.

    Text of single bytes is never well-formed UTF-8 by chance once it holds letters beyond ASCII. Bytes of
    the East Asian encodings may be, so there the label comes first.
    """
    if declared is None or declared == "utf-8":
        return "utf-8"
    first, second = ("utf-8", declared) if is_single_byte(declared) else (declared, "utf-8")
    try:
        decode_as(data, first)
    except UnicodeDecodeError:
        return second if first == "utf-8" or _is_utf8(data) else first
    return first


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _find_wide(data: bytes) -> str:
    """Return UTF-16's name where bytes without a mark are that: half of them NULs, and every other one."""
    head = data[:_HALVES_BYTES]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if len(data) % 2 or 2 * max(even, odd) < len(head[1::2]) or 8 * min(even, odd) > max(even, odd):
        return ""
    return "utf-16-le" if odd > even else "utf-16-be" if even > odd else ""
