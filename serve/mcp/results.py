"""The results of tools; their JSON schemas are made of these; no other fields are given."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Result(BaseModel):
    """Of a tool, or a part of it."""

    model_config = ConfigDict(coerce_numbers_to_str=True)


class CollectionEntry(Result):
    """A collection that can be asked."""

    name: str
    snapshot: str = Field(description="Id of the snapshot that answers.")


class CollectionsResult(Result):
    """The collections that the caller may see; the first is asked where none is named."""

    collections: list[CollectionEntry]


class FoundPassage(Result):
    """A passage that was found; `known_to` is `open` for what holds on."""

    chunk_id: str = Field(description="63 bits in decimal.")
    doc_id: str
    version: str
    title: str
    heading: str
    text: str
    start: int = Field(description="First character in the document.")
    end: int
    page: int | None
    source: str
    event_time: str | None
    known_from: str
    known_to: str
    score: float
    relevance: float | None = Field(description="0 to 1: how likely it answers.")
    attributes: dict[str, Any]


class SearchResult(Result):
    """What was found, best first, of one snapshot."""

    snapshot: str = Field(description="Id of the snapshot that answered.")
    relevant: bool | None = Field(description="Whether a hit is likely to answer.")
    hits: list[FoundPassage]


class DocumentPart(Result):
    """A chunk of a document."""

    chunk_id: str = Field(description="63 bits in decimal.")
    heading: str
    text: str
    start: int = Field(description="First character in the document.")
    end: int
    page: int | None


class FetchResult(Result):
    """A document by the chunks that the caller may see."""

    snapshot: str = Field(description="Id of the snapshot that answered.")
    doc_id: str
    version: str
    title: str
    source: str
    event_time: str | None
    known_from: str
    known_to: str
    attributes: dict[str, Any]
    chunks: list[DocumentPart] = Field(description="In their order; neighbours may overlap.")


class CitedPlace(Result):
    """A sentence, or a row of a table, as a document has it."""

    number: int
    kind: Literal["sentence", "row"]
    chunk_id: str = Field(description="63 bits in decimal.")
    doc_id: str
    version: str
    title: str
    heading: str
    text: str
    start: int = Field(description="First character in the document.")
    end: int
    header: list[str] = Field(description="Of a row, the rows that name its columns.")
    section: str = Field(description="Of a row, the row above that names it and its neighbours.")
    scale_note: str = Field(description="What its table says of scale and unit, as it is written there.")
    quotation: str = Field(description="The text, a row below the rows that name it.")
    page: int | None
    source: str
    event_time: str | None
    known_from: str


class CitedStatement(Result):
    """A part of an answer."""

    text: str
    citations: list[int] = Field(description="Numbers of what it stands on.")


class CitedNotice(Result):
    """What a reader of an answer should know of it."""

    kind: Literal["instruction", "replaced", "without_model", "not_found"]
    text: str


class AskResult(Result):
    """An answer in which every statement cites what it stands on."""

    question: str
    is_answered: bool = Field(description="Whether something was found that answers.")
    text: str = Field(description="The statements, each with the numbers of its citations.")
    statements: list[CitedStatement]
    citations: list[CitedPlace]
    pipeline: str
    model: str = Field(description="That wrote; empty where none did.")
    snapshot: str = Field(description="Id of the snapshot that answered.")
    as_of: str | None
    notices: list[CitedNotice] = Field(description="What a reader should know of the answer.")


class TableCell(Result):
    """A cell of a row."""

    column: str = Field(description="What the header says of its column.")
    text: str = Field(description="As the document has it.")


class TableRow(Result):
    """A row with the cells that were asked for."""

    label: str
    cells: list[TableCell]
    citation: CitedPlace


class TableLookupResult(Result):
    """Rows, those that fit best first; none where no label has all words."""

    snapshot: str = Field(description="Id of the snapshot that answered.")
    rows: list[TableRow]
