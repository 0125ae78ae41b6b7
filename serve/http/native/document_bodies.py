"""Documents as requests carry them, read by the rules of files of records."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, FailFast, Field

from eagleray.contracts.bounds import MAX_NAME
from eagleray.contracts.documents import DeadLetter, Document, Element, ElementKind
from eagleray.contracts.sources import Origin, RawRecord
from eagleray.documents.mapping import DEFAULT_MAPPING, apply_mapping
from eagleray.errors import InputError
from serve.http.body_models import Body, Finite, Int, bound_items, drop_null_entries, show_example

MAX_DOCUMENTS: Final = 100
SOURCE: Final = "api"
"""The `source` of rows that came in requests."""

_FIELDS: Final = frozenset({"groups", "zone"})
"""What files of records may have below `metadata` and documents of requests have beside it."""

_SEPARATOR: Final = "\n\n"


def _refuse_mixed(value: object) -> object:
    """Refuse a list of anything but strings with one sentence, where there would be one for each item."""
    if isinstance(value, list) and not all(isinstance(item, str) for item in value):
        raise ValueError("expected strings alone in a list")
    return value


Strings = Annotated[list[str], BeforeValidator(_refuse_mixed)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
_PLAIN: Final = r"^[^\x00-\x1f\x7f-\x9f]+$"
"""Of characters that a terminal, a log and a file of lines can show."""

PlainName = Annotated[Name, Field(pattern=_PLAIN)]


class ElementBody(Body):
    """A part of a document: its text, and what it is."""

    kind: Literal["paragraph", "heading", "table"] = "paragraph"
    text: str = Field(min_length=1, max_length=1_000_000)
    level: Int = Field(default=0, ge=0, le=6, description="Depth of a heading, 1 for the title's level.")
    page: Annotated[Int, Field(ge=1, le=1_000_000)] | None = None


class DocumentBody(Body):
    """One version of one document."""

    doc_id: PlainName
    text: str = Field(default="", max_length=4_000_000)
    elements: Annotated[list[ElementBody], FailFast()] = Field(
        default=[], max_length=10_000, description="In the place of `text`."
    )
    title: str = Field(default="", max_length=MAX_NAME)
    attributes: Annotated[
        dict[str, str | bool | int | Finite | Strings], BeforeValidator(drop_null_entries), bound_items(256)
    ] = Field(default={}, max_length=256)
    groups: list[PlainName] = Field(
        default=[], max_length=256, description="Who may read it; empty for everyone."
    )
    zone: str = Field(default="default", min_length=1, max_length=64, pattern=_PLAIN)
    event_time: str | None = Field(default=None, max_length=64, description="ISO 8601.")
    known_from: str | None = Field(
        default=None, max_length=64, description="ISO 8601, when the desk knew it; now if absent."
    )


class WriteBody(Body):
    """Documents to be written together: all of them, or none."""

    model_config = show_example(
        documents=[{"doc_id": "note-7", "title": "Swaps", "text": "The curve flattened."}]
    )

    documents: Annotated[list[DocumentBody], FailFast()] = Field(min_length=1, max_length=MAX_DOCUMENTS)

    def to_documents(self, *, now: int) -> tuple[Document, ...]:
        """Return the documents; `now`, microseconds, is when those without a time became known.

        Raises:
            InputError: one of them is no document, or two have one doc_id; says which.
        """
        names = [body.doc_id for body in self.documents]
        if len(set(names)) < len(names):
            raise InputError(detail="expected each doc_id once in a request, found one twice")
        return tuple(_read(place, body, now=now) for place, body in enumerate(self.documents))


def _read(place: int, body: DocumentBody, *, now: int) -> Document:
    if bool(body.text) == bool(body.elements):
        raise InputError(detail=f"documents.{place}: expected either text or elements")
    taken = sorted(_FIELDS & body.attributes.keys())
    if taken:
        detail = f"documents.{place}: attributes: {taken[0]} is a field of the document, not an attribute"
        raise InputError(detail=detail)
    text, elements = body.text, tuple[Element, ...]()
    if body.elements:
        text, elements = _join(body.elements)
    fields: dict[str, Any] = {"_id": body.doc_id, "title": body.title, "text": text}
    fields |= {"groups": list(body.groups), "zone": body.zone, "metadata": dict(body.attributes)}
    times = {"event_time": body.event_time, "known_from": body.known_from}
    fields |= {name: value for name, value in times.items() if value is not None}
    record = RawRecord(origin=Origin(uri=SOURCE), modified=now, fields=fields, elements=elements)
    document = apply_mapping(DEFAULT_MAPPING, record)
    if isinstance(document, DeadLetter):
        raise InputError(detail=f"documents.{place}: {document.detail}")
    return document


def _join(bodies: list[ElementBody]) -> tuple[str, tuple[Element, ...]]:
    """Return the text of all elements, and where in it each one stands."""
    elements, start = [], 0
    for body in bodies:
        end = start + len(body.text)
        kind = ElementKind(body.kind)
        elements.append(Element(kind=kind, start=start, end=end, level=body.level, page=body.page))
        start = end + len(_SEPARATOR)
    return _SEPARATOR.join(body.text for body in bodies), tuple(elements)
