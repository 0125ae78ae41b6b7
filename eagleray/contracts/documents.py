"""Documents as sources yield them, and the dead letters that stand for what could not be read.

Chunks cut from documents live in `chunks`; the mapping that fills these fields from a
file lives in `eagleray.documents.mapping`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from eagleray.contracts.times import OPEN_END
from eagleray.digests import digest_json

AttributeValue = str | int | float | bool | tuple[str, ...]
"""A typed attribute: `time` values are strings in ISO 8601 until a column is built."""


class AttributeType(StrEnum):
    """The column types an attribute may have."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "time"
    STRINGS = "strings"


MIN_INTEGER: Final = -(2**63)
MAX_INTEGER: Final = 2**63 - 1
"""The least and the greatest whole number that is stored, or taken in a request."""

AttributeTypes = dict[str, tuple[AttributeType, ...]]
"""The types that occur among the values of each attribute; names and types sorted."""


class ElementKind(StrEnum):
    """What a span of a document's text is."""

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    TABLE = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """A span of a document's text: `text[start:end]`.

    Attributes:
        kind: paragraph, heading or table; a table's rows are lines.
        start: first character.
        end: one past the last character.
        level: heading depth, 1 for the title level; 0 for what is no heading.
        page: page number from 1, or `None` where the format has no pages.
    """

    kind: ElementKind
    start: int
    end: int
    level: int = 0
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One version of one document, with what a search may filter, show and hide by.

    Attributes:
        doc_id: stable name; a second document with the same id is another version of it.
        title: goes in front of each chunk that is embedded; may be empty.
        text: the whole text; every span in the system points into it.
        elements: spans in text order; empty means one paragraph.
        attributes: typed values by name.
        groups: who may read it; empty means everyone in its zone.
        zone: physical partition; zones never share a segment.
        event_time: what the text is about, in microseconds; never used for visibility.
        known_from: when the desk knew it, in microseconds.
        known_to: when it was superseded or deleted, in microseconds.
        source: where it was read: URI of the file.
        position: where in that file: line, row or `""` for the whole file.
    """

    doc_id: str
    title: str
    text: str
    known_from: int
    elements: tuple[Element, ...] = ()
    attributes: dict[str, AttributeValue] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    zone: str = "default"
    event_time: int | None = None
    known_to: int = OPEN_END
    source: str = ""
    position: str = ""

    @property
    def version(self) -> str:
        """Digest of the content: title, text, attributes, zone and event time.

        Groups and times of knowledge are not content: a change of groups is a patch, and the
        same content delivered again is the same version.
        """
        return digest_json(
            [self.title, self.text, dict(sorted(self.attributes.items())), self.zone, self.event_time]
        )[:32]


class DeadLetterReason(StrEnum):
    """Why a piece of input was set aside."""

    UNREADABLE_FILE = "unreadable_file"
    UNSUPPORTED_FORMAT = "unsupported_format"
    INVALID_ENCODING = "invalid_encoding"
    INVALID_JSON = "invalid_json"
    RECORD_TOO_LARGE = "record_too_large"
    LIMIT_EXCEEDED = "limit_exceeded"
    PARSER_FAILED = "parser_failed"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    INVALID_TIME = "invalid_time"
    EMPTY_TEXT = "empty_text"
    CONFLICTING_DUPLICATE = "conflicting_duplicate"
    INVALID_VECTOR = "invalid_vector"
    REFUSED = "refused"
    ENRICHER_FAILED = "enricher_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A piece of input that could not become a document, and where it still lies.

    Attributes:
        source: URI of the file.
        position: line (`line 12`), row (`row 3`), page or `""` for the whole file.
        reason: class of the fault.
        detail: what was expected, what came and what to do, in one sentence; never document text.
        doc_id: the document's id where it was known.
        n: pieces it stands for: itself, and later ones of the same file and reason that are not listed.
    """

    source: str
    position: str
    reason: DeadLetterReason
    detail: str
    doc_id: str = ""
    n: int = 1
