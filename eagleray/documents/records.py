"""The file that a parser reads, and the records and dead letters it makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from eagleray.contracts.documents import DeadLetter, DeadLetterReason, Element
from eagleray.contracts.sources import Origin, RawRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """The file a parser reads from.

    Attributes:
        source: URI that its records are filed under: the source's name and the path below its root, separated
            by `/`.
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

    def make_record(
        self, position: str, fields: dict[str, Any], *, elements: tuple[Element, ...] = ()
    ) -> RawRecord:
        """Return a record of this file."""
        origin = Origin(uri=self.source, position=position)
        return RawRecord(origin=origin, modified=self.modified, fields=fields, elements=elements)

    def reject(self, reason: DeadLetterReason, detail: str, *, position: str = "") -> DeadLetter:
        """Return the dead letter for a piece of this file."""
        return DeadLetter(source=self.source, position=position, reason=reason, detail=detail)


def make_file_record(
    file: InputFile, *, title: str, text: str, elements: tuple[Element, ...]
) -> RawRecord | DeadLetter:
    """Return the record of a file that is one document, or a dead letter when it has no text."""
    if not text.strip():
        return file.reject(DeadLetterReason.EMPTY_TEXT, "the file holds no text")
    fields = {"_id": file.source, "title": title or file.stem, "text": text}
    return file.make_record("", fields, elements=elements)
