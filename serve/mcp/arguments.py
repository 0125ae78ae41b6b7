"""The arguments of tools, checked on the way in; their JSON schemas are made of these."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from eagleray.contracts.bounds import MAX_NAME, MAX_QUESTION
from eagleray.contracts.cited_answers import DEFAULT_PIPELINE, MAX_CITATIONS, N_PASSAGES, AskRequest
from eagleray.contracts.filters import FilterExpression
from eagleray.contracts.hits import Granularity, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.shown_documents import DocumentRequest
from eagleray.contracts.times import parse_instant
from indexes.masks.grammar import parse_filter
from indexes.masks.json_filters import read_json_filter

MAX_RESULTS: Final = 50
"""Hits or rows of one call: more than a model reads."""

N_TABLE_PASSAGES: Final = 30
"""Whose tables are looked through for rows."""


class ToolArguments(BaseModel):
    """Of a tool; nothing else is taken."""

    model_config = ConfigDict(extra="forbid", strict=True)


class NoArguments(ToolArguments):
    """Of a tool that needs none."""


class _InCollection(ToolArguments):
    """What is asked, and as of when."""

    collection: str = Field(
        default="",
        max_length=MAX_NAME,
        description="Name, as list_collections gives it; empty asks the first.",
    )
    as_of: str = Field(
        default="",
        max_length=64,
        description="ISO 8601; only what was known then answers. Empty: the latest state.",
    )
    snapshot: str = Field(
        default="",
        pattern=r"^([0-9a-f]{64})?$",
        description="Whole id, as results give it; empty asks the published one.",
    )

    def read_as_of(self) -> int | None:
        """Return the time in microseconds.

        Raises:
            InvalidTimeError: it names no instant.
        """
        return parse_instant(self.as_of) if self.as_of else None


class _Filtered(_InCollection):
    filter: Annotated[str, Field(max_length=MAX_QUESTION)] | dict[str, Any] = Field(
        default="",
        description='Rows that answer, as text such as year >= 2019 and source = "notes", or JSON.',
    )

    def read_filter(self) -> FilterExpression | None:
        """Return the filter.

        Raises:
            FilterError: it cannot be read.
        """
        if not self.filter:
            return None
        return parse_filter(self.filter) if isinstance(self.filter, str) else read_json_filter(self.filter)


class SearchToolArguments(_Filtered):
    """Of `search`."""

    query: str = Field(
        min_length=1, max_length=MAX_QUESTION, description='In words; "words in quotes" are a phrase.'
    )
    k: int = Field(default=10, ge=1, le=MAX_RESULTS, description="Hits at most.")

    def to_request(self, principal: Principal) -> SearchRequest:
        """Return what is searched for."""
        return SearchRequest(
            query=self.query,
            k=self.k,
            as_of=self.read_as_of(),
            filter=self.read_filter(),
            principal=principal,
        )


class FetchToolArguments(_InCollection):
    """Of `fetch`."""

    doc_id: str = Field(min_length=1, max_length=MAX_NAME, description="As a result gives it.")

    def to_request(self, principal: Principal) -> DocumentRequest:
        """Return which document is shown."""
        return DocumentRequest(doc_id=self.doc_id, as_of=self.read_as_of(), principal=principal)


class AskToolArguments(_Filtered):
    """Of `ask`."""

    question: str = Field(min_length=1, max_length=MAX_QUESTION, description="In words.")
    pipeline: str = Field(
        default=DEFAULT_PIPELINE, max_length=MAX_NAME, description="What answers; empty for the default."
    )
    k: int = Field(default=N_PASSAGES, ge=1, le=MAX_RESULTS, description="Passages that are read.")
    max_citations: int = Field(default=3, ge=1, le=MAX_CITATIONS, description="Citations at most.")

    def to_request(self, principal: Principal) -> AskRequest:
        """Return what is answered."""
        search = _read_passages(self, self.question, k=self.k, principal=principal)
        return AskRequest(search=search, pipeline=self.pipeline, max_citations=self.max_citations)


class TableLookupToolArguments(_Filtered):
    """Of `table_lookup`."""

    label: str = Field(
        min_length=1, max_length=1_000, description="What the row is called: net sales, total assets."
    )
    column: str = Field(
        default="", max_length=1_000, description="What the column is called: 2019. Empty: every column."
    )
    about: str = Field(
        default="",
        max_length=1_000,
        description="What the table is about, such as a company; not required of it.",
    )
    k: int = Field(default=10, ge=1, le=MAX_RESULTS, description="Rows at most.")

    def to_request(self, principal: Principal) -> SearchRequest:
        """Return the search for passages whose tables may have such rows."""
        query = " ".join(part for part in (self.about, self.label, self.column) if part)
        return _read_passages(self, query, k=N_TABLE_PASSAGES, principal=principal)


def _read_passages(arguments: _Filtered, query: str, *, k: int, principal: Principal) -> SearchRequest:
    return SearchRequest(
        query=query,
        k=k,
        granularity=Granularity.CHUNK,
        as_of=arguments.read_as_of(),
        filter=arguments.read_filter(),
        principal=principal,
    )
