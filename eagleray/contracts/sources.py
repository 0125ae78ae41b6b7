"""Where records come from: the port that every source implements, and the values that cross it.

A source plans what is to be read from a position on, cuts it into splits, and reads one split at a time,
wherever that is done. Positions, plans and splits are frozen, survive pickling and hold no secret. The
sources there are live in `ray_jobs.sources`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from eagleray.contracts.documents import DeadLetter, DeadLetterReason, Element


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a record came from.

    Attributes:
        uri: of the file, table or topic, as rows are filed under it: `desk/2019/note.jsonl`.
        position: within it: `byte 120`, `row 3`, an offset; `""` for all of it.
    """

    uri: str
    position: str = ""

    @property
    def stem(self) -> str:
        """The last part of the URI without its suffix."""
        return PurePosixPath(self.uri).stem

    def reject(self, reason: DeadLetterReason, detail: str, *, doc_id: str = "") -> DeadLetter:
        """Return the dead letter for what stands there."""
        return DeadLetter(
            source=self.uri, position=self.position, reason=reason, detail=detail, doc_id=doc_id
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRecord:
    """One record as its source holds it, before a mapping says what each part means.

    Attributes:
        origin: where it was read.
        modified: when that was last changed, microseconds.
        fields: values by name, nested as they came. Whole files have `_id` (their URI), `title` and `text`.
        elements: spans into `fields["text"]`, in order; empty where the format names none.
    """

    origin: Origin
    modified: int
    fields: dict[str, Any] = field(default_factory=dict)
    elements: tuple[Element, ...] = ()

    @property
    def position(self) -> str:
        """Where it stands within what it was read from."""
        return self.origin.position

    def reject(self, reason: DeadLetterReason, detail: str, *, doc_id: str = "") -> DeadLetter:
        """Return the dead letter for this record."""
        return self.origin.reject(reason, detail, doc_id=doc_id)
