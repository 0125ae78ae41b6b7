"""One document as a caller sees it: what is asked for, and what is shown."""

from __future__ import annotations

from dataclasses import dataclass, field

from eagleray.contracts.documents import AttributeValue
from eagleray.contracts.principals import ANONYMOUS, Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRequest:
    """A document to be shown.

    Attributes:
        doc_id: the document.
        as_of: microseconds; `None` means what is known and not superseded now.
        principal: the caller.
    """

    doc_id: str
    as_of: int | None = None
    principal: Principal = ANONYMOUS


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownChunk:
    """A chunk the caller may see.

    Attributes:
        start: first character of the chunk in its document.
        end: one past the last character.
    """

    chunk_id: int
    heading: str
    text: str
    start: int
    end: int
    page: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDocument:
    """A document by the chunks the caller may see; what a version's chunks share is that of the first.

    Attributes:
        snapshot: id of the snapshot that answered.
        groups: that may read it; none for a public one.
        event_time: microseconds.
        known_from: microseconds.
        known_to: microseconds, after patches.
        chunks: in their order in the document, at least one; neighbours may overlap.
    """

    snapshot: str
    doc_id: str
    version: str
    title: str
    source: str
    zone: str
    groups: tuple[str, ...]
    event_time: int | None
    known_from: int
    known_to: int
    attributes: dict[str, AttributeValue | None] = field(default_factory=dict)
    chunks: tuple[ShownChunk, ...]
