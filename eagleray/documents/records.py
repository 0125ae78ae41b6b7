"""Raw records: what a parser found, before a mapping says what each part means."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from eagleray.contracts.documents import DeadLetter, DeadLetterReason, Element


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """The file a parser reads from.

    Attributes:
        source: path relative to the source's root, separated by `/`.
        modified: change time, microseconds.
        max_pages: pages that a file may have, where its format has pages.
    """

    source: str
    modified: int
    max_pages: int = 5_000

    @property
    def stem(self) -> str:
        """The file's name without folders and suffix."""
        return PurePosixPath(self.source).stem

    def reject(self, reason: DeadLetterReason, detail: str, *, position: str = "") -> DeadLetter:
        """Return the dead letter for a piece of this file."""
        return DeadLetter(source=self.source, position=position, reason=reason, detail=detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRecord:
    """One record of a file: a line, a row, or the whole file.

    Attributes:
        file: where it was read.
        position: `byte 120`, `row 3`, or `""` for the whole file.
        fields: values by name, nested as they came. Whole files have `_id` (their path), `title`
            and `text`.
        elements: spans into `fields["text"]`, in order; empty where the format names none.
    """

    file: InputFile
    position: str
    fields: dict[str, Any] = field(default_factory=dict)
    elements: tuple[Element, ...] = ()

    def reject(self, reason: DeadLetterReason, detail: str, *, doc_id: str = "") -> DeadLetter:
        """Return the dead letter for this record."""
        return DeadLetter(
            source=self.file.source, position=self.position, reason=reason, detail=detail, doc_id=doc_id
        )


def make_file_record(
    file: InputFile, *, title: str, text: str, elements: tuple[Element, ...]
) -> RawRecord | DeadLetter:
    """Return the record of a file that is one document, or a dead letter when it has no text."""
    if not text.strip():
        return file.reject(DeadLetterReason.EMPTY_TEXT, "the file holds no text")
    fields = {"_id": file.source, "title": title or file.stem, "text": text}
    return RawRecord(file=file, position="", fields=fields, elements=elements)
