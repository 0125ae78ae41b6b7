"""Bytes to text: byte order marks, UTF-8, and where the first wrong byte lies."""

from __future__ import annotations

import codecs
from typing import Final

from eagleray.contracts.documents import DeadLetter, DeadLetterReason
from eagleray.documents.records import InputFile

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode_text(data: bytes, file: InputFile, *, fallback: str = "") -> str | DeadLetter:
    """Return a file's text with line feeds as line ends, or a dead letter with a wrong byte's offset.

    Args:
        data: the whole file.
        file: where it was read.
        fallback: encoding the file itself declares, tried where the bytes are no UTF-8.
    """
    mark, encoding = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", "utf-8"))
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        declared = _decode_as(data, fallback) if fallback and not mark else None
        if declared is None:
            detail = f"byte {len(mark) + error.start} is no {encoding}: {error.reason}; convert it to UTF-8"
            return file.reject(DeadLetterReason.INVALID_ENCODING, detail)
        text = declared
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decode_as(data: bytes, encoding: str) -> str | None:
    # Source: WHATWG Encoding Standard, 4.2: these labels mean windows-1252 on the web.
    name = "windows-1252" if encoding.lower() in {"ascii", "us-ascii", "iso-8859-1", "latin-1"} else encoding
    try:
        return data.decode(name)
    except (LookupError, UnicodeDecodeError):
        return None
