"""Plain text: one document a file, paragraphs between blank lines, tables of `|` lines."""

from __future__ import annotations

from collections.abc import Iterator

from eagleray.contracts.documents import DeadLetter
from eagleray.contracts.sources import RawRecord
from eagleray.documents.decoding import decode_text
from eagleray.documents.elements import find_elements
from eagleray.documents.records import InputFile, make_file_record


def parse_text(data: bytes, file: InputFile) -> Iterator[RawRecord | DeadLetter]:
    """Yield the file as one record; its title is the file's name without suffix."""
    text = decode_text(data, file)
    if isinstance(text, DeadLetter):
        yield text
        return
    yield make_file_record(file, title=file.stem, text=text, elements=find_elements(text))
