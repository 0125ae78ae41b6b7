"""Which parser reads which suffix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Final

from eagleray.contracts.documents import DeadLetter, DeadLetterReason
from eagleray.contracts.sources import RawRecord
from eagleray.documents.formats.html import parse_html
from eagleray.documents.formats.markdown import parse_markdown
from eagleray.documents.formats.pdf import parse_pdf
from eagleray.documents.formats.text import parse_text
from eagleray.documents.records import InputFile

WholeFileParser = Callable[[bytes, InputFile], Iterator[RawRecord | DeadLetter]]
"""Reads a file that is one document."""

LINE_SUFFIXES: Final = (".jsonl", ".ndjson")
"""Formats cut into byte ranges."""

ROW_SUFFIXES: Final = (".parquet",)
"""Formats of rows in row groups."""

WHOLE_FILE_PARSERS: Final[dict[str, WholeFileParser]] = {
    ".md": parse_markdown,
    ".markdown": parse_markdown,
    ".txt": parse_text,
    ".text": parse_text,
    ".html": parse_html,
    ".htm": parse_html,
    ".pdf": parse_pdf,
}

SUFFIXES: Final = (*LINE_SUFFIXES, *ROW_SUFFIXES, *WHOLE_FILE_PARSERS)
"""Every suffix that can be read, in lower case."""

LIBRARIES: Final = {
    ".html": "lxml.etree",
    ".htm": "lxml.etree",
    ".pdf": "pypdfium2",
    ".parquet": "eagleray.documents.formats.parquet",
}
"""Suffix -> module that its parser loads where it is used."""


def find_suffix(source: str) -> str:
    """Return the suffix of a path in lower case, or `""`."""
    return PurePosixPath(source).suffix.lower()


def reject_format(file: InputFile) -> DeadLetter:
    """Return the dead letter for a file no parser reads."""
    suffix = find_suffix(file.source) or "a name without suffix"
    detail = f"no parser reads {suffix}; expected {', '.join(SUFFIXES)}"
    return file.reject(DeadLetterReason.UNSUPPORTED_FORMAT, detail)
