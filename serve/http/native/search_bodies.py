"""What requests carry: checked on the way in, turned into the contracts' values."""

from __future__ import annotations

from dataclasses import fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from pydantic import FailFast, Field, model_validator

from eagleray.contracts.bounds import MAX_HITS, MAX_NAME, MAX_QUESTION
from eagleray.contracts.filters import FilterExpression
from eagleray.contracts.hits import FacetRequest, Ranking, SearchOptions, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.search_options import pick_options
from eagleray.contracts.shown_documents import DocumentRequest
from eagleray.contracts.times import parse_instant
from indexes.masks.grammar import parse_filter
from indexes.masks.json_filters import read_json_filter
from serve.http.body_models import Body, Finite, Int, show_example, with_fields_of

MAX_QUESTIONS: Final = 256
MAX_BATCH_HITS: Final = 10_000
"""Hits, or candidates scored again, of all questions of a batch."""

_RANKING: Final = "ranking"
"""The option that is a body itself."""


@with_fields_of(Ranking)
class RankingBody(Body):
    """Which of the rows found are hits, and in which order; see `eagleray.Ranking`."""


class _At(Body):
    """As of when a request is answered."""

    as_of: str | None = Field(
        default=None, max_length=64, description="ISO 8601; what was known then answers."
    )

    def read_as_of(self) -> int | None:
        """Return the time in microseconds.

        Raises:
            InvalidTimeError: it names no instant.
        """
        return None if self.as_of is None else parse_instant(self.as_of)


class Filtered(_At):
    """Which rows answer."""

    filter: Annotated[str, Field(max_length=MAX_QUESTION)] | dict[str, Any] | None = Field(
        default=None, description="Rows that answer, as text or as JSON."
    )

    def read_filter(self) -> FilterExpression | None:
        """Return the filter.

        Raises:
            FilterError: it cannot be read.
        """
        if not self.filter:
            return None
        return parse_filter(self.filter) if isinstance(self.filter, str) else read_json_filter(self.filter)


class Answered(Body):
    """Which snapshot answers, and how fast."""

    snapshot: str = Field(
        default="",
        pattern=r"^([0-9a-f]{64})?$",
        description="Whole id; otherwise the alias's snapshot answers.",
    )
    timeout_s: Annotated[Finite, Field(gt=0.0)] | None = Field(
        default=None, description="Seconds the answer may take; the server's limit where that is less."
    )


@with_fields_of(SearchOptions, ranking=RankingBody)
class QuestionBody(Filtered):
    """What is searched for."""

    named_elsewhere = MappingProxyType({"question": "query"})

    query: str = Field(default="", max_length=MAX_QUESTION, description="The question, in words.")
    like: str = Field(default="", max_length=MAX_NAME, description="A document; others like it are wanted.")

    if TYPE_CHECKING:  # two of the options that are read by name; all of them are fields
        k: int
        rerank: int

    def to_request(self, principal: Principal) -> SearchRequest:
        """Return the question as the engine takes it.

        Raises:
            InvalidTimeError: `as_of` names no instant.
            FilterError: the filter cannot be read.
        """
        return SearchRequest(
            query=self.query,
            like=self.like,
            as_of=self.read_as_of(),
            filter=self.read_filter(),
            principal=principal,
            **pick_options(read_body_options(self)),
        )


class Explained(Body):
    """Whether it is said how the answer came about."""

    explain: bool = Field(default=False, description="Say how the answer came about.")


class SearchBody(QuestionBody, Answered, Explained):
    """One question."""

    model_config = show_example(query="coupon of the 2029 notes", k=5, as_of="2020-06-30")

    pages: Int = Field(
        default=1, ge=1, le=MAX_HITS, description="Pages of k hits that may be asked for one after the other."
    )
    cursor: str = Field(default="", max_length=MAX_NAME, description="The `next` of the page before.")

    @model_validator(mode="after")
    def _check_pages(self) -> Self:
        if self.k * self.pages > MAX_HITS:
            raise ValueError(f"{self.pages} pages of {self.k} hits; at most {MAX_HITS} hits are given")
        return self


class BatchBody(Answered, Explained):
    """Many questions, all answered from one snapshot, or none."""

    model_config = show_example(
        questions=[
            {"query": "coupon of the 2029 notes", "k": 5},
            {"query": "call date", "as_of": "2020-06-30", "filter": "year >= 2019"},
        ]
    )

    questions: Annotated[list[QuestionBody], FailFast()] = Field(min_length=1, max_length=MAX_QUESTIONS)

    @model_validator(mode="after")
    def _check_hits(self) -> Self:
        n_hits = sum(max(question.k, question.rerank) for question in self.questions)
        if n_hits > MAX_BATCH_HITS:
            raise ValueError(f"questions want {n_hits} hits together; at most {MAX_BATCH_HITS} are given")
        return self


class FacetsBody(Filtered, Answered):
    """A column whose values are counted."""

    model_config = show_example(column="source", n=20, filter="year >= 2019")

    column: str = Field(max_length=MAX_NAME, description="An attribute, or a column every row has.")
    n: Int = Field(default=10, ge=1, le=MAX_HITS, description="Values wanted, the commonest.")

    def to_request(self, principal: Principal) -> FacetRequest:
        """Return what is counted as the engine takes it.

        Raises:
            InvalidTimeError: `as_of` names no instant.
            FilterError: the filter cannot be read.
        """
        return FacetRequest(
            column=self.column,
            n=self.n,
            as_of=self.read_as_of(),
            filter=self.read_filter(),
            principal=principal,
        )


class DocumentQuery(_At, Answered):
    """The document that is shown."""

    doc_id: str = Field(max_length=MAX_NAME, description="The document.", examples=["notes/2029.md"])

    def to_request(self, principal: Principal) -> DocumentRequest:
        """Return the document wanted as the engine takes it.

        Raises:
            InvalidTimeError: `as_of` names no instant.
        """
        return DocumentRequest(doc_id=self.doc_id, as_of=self.read_as_of(), principal=principal)


def read_body_options(body: Body) -> SearchOptions:
    """Return how the search of a body is done that has the fields of every option."""
    ranking = Ranking(**_pick_fields(getattr(body, _RANKING), Ranking))
    return SearchOptions(**{**_pick_fields(body, SearchOptions), _RANKING: ranking})


def _pick_fields(body: Body, options: type) -> dict[str, Any]:
    """Return what a body says of each option."""
    return {item.name: getattr(body, item.name) for item in fields(options)}
