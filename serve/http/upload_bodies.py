"""What requests for files and vector stores carry, in OpenAI's shape.

Source: OpenAI's API reference, `/v1/files` and `/v1/vector_stores`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import Query, UploadFile
from pydantic import ConfigDict, Field, model_validator

from eagleray.contracts.bounds import MAX_QUESTION
from eagleray.contracts.hits import Granularity, Ranking, SearchMode, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.times import parse_instant
from serve.http.bodies import Share
from serve.http.body_models import Body, Finite, Int
from serve.uploads.paging import Order, Wanted
from serve.uploads.records import Attribute

MAX_BATCH: Final = 100
"""Files that are attached together."""

_FILE: Final = "file-0123456789abcdef0123456789abcdef"

Key = Annotated[str, Field(min_length=1, max_length=64)]
Attributes = Annotated[
    dict[Key, Annotated[str, Field(max_length=512)] | bool | int | Finite], Field(max_length=16)
]
Metadata = Annotated[dict[Key, Annotated[str, Field(max_length=512)]], Field(max_length=16)]
Name = Annotated[str, Field(max_length=256)]


class AutoChunking(Body):
    """Files are cut as the collection's documents are."""

    type: Literal["auto"] = "auto"


class FileForm(Body):
    """A file, as a form carries it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"purpose": "assistants", "file": "# Notes"}]})

    file: UploadFile
    purpose: Literal["assistants", "user_data"] = "assistants"


class StoreBody(Body):
    """A vector store."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "rates desk"}]})

    name: Name | None = None
    description: Annotated[str, Field(max_length=512)] | None = None
    metadata: Metadata | None = None
    file_ids: list[Key] = Field(default=[], max_length=MAX_BATCH)
    chunking_strategy: AutoChunking | None = None


class StoreChangeBody(Body):
    """What becomes another of a vector store; what is not given stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "credit desk"}]})

    name: Name | None = None
    metadata: Metadata | None = None


class AttachBody(Body):
    """A file for a vector store."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"file_id": _FILE, "attributes": {"year": 2024}}]}
    )

    file_id: Key
    attributes: Attributes | None = None
    chunking_strategy: AutoChunking | None = None


class AttributesBody(Body):
    """Attributes of a file in a vector store, in the place of those it has."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"attributes": {"year": 2025}}]})

    attributes: Attributes | None


class BatchBody(Body):
    """Files for a vector store: `file_ids` with the same attributes, or `files` with their own."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"file_ids": [_FILE]}]})

    file_ids: Annotated[list[Key], Field(min_length=1, max_length=MAX_BATCH)] | None = None
    files: Annotated[list[AttachBody], Field(min_length=1, max_length=MAX_BATCH)] | None = None
    attributes: Attributes | None = None
    chunking_strategy: AutoChunking | None = None

    @model_validator(mode="after")
    def _check(self) -> BatchBody:
        if (self.file_ids is None) is (self.files is None):
            raise ValueError("expected either file_ids or files")
        return self

    def list_files(self) -> dict[str, dict[str, Attribute]]:
        """Return file id -> attributes."""
        if self.files is not None:
            return {item.file_id: dict(item.attributes or {}) for item in self.files}
        return {file_id: dict(self.attributes or {}) for file_id in self.file_ids or ()}


class RankingOptions(Body):
    """How results are ranked."""

    ranker: Literal["none", "auto", "default-2024-11-15", "default_2024_08_21"] = Field(
        default="auto", description="Every value stands for the collection's own ranking."
    )
    score_threshold: Share = 0.0


class StoreSearchBody(Body):
    """One question to a vector store."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"query": "coupon", "max_num_results": 5}]})

    query: (
        Annotated[str, Field(min_length=1, max_length=MAX_QUESTION)]
        | Annotated[
            list[Annotated[str, Field(min_length=1, max_length=1_024)]], Field(min_length=1, max_length=16)
        ]
    )
    filters: dict[str, Any] | None = Field(default=None, description="Over the attributes of files.")
    max_num_results: Int = Field(default=10, ge=1, le=50)
    ranking_options: RankingOptions | None = None
    rewrite_query: bool = Field(default=False, description="Accepted; no question is rewritten.")
    as_of: str | None = Field(default=None, max_length=64, description="ISO 8601; not one of OpenAI's.")

    def list_queries(self) -> list[str]:
        """Return the question, or its parts."""
        return [self.query] if isinstance(self.query, str) else self.query

    def to_request(self, principal: Principal) -> SearchRequest:
        """Return the question as the engine takes it, of everything the principal may see.

        Raises:
            InvalidTimeError: `as_of` names no instant.
        """
        threshold = self.ranking_options.score_threshold if self.ranking_options else 0.0
        return SearchRequest(
            query="\n".join(self.list_queries()),
            k=self.max_num_results,
            mode=SearchMode.HYBRID,
            granularity=Granularity.CHUNK,
            as_of=parse_instant(self.as_of) if self.as_of else None,
            principal=principal,
            ranking=Ranking(min_score=threshold or None),
        )


After = Annotated[str, Query(max_length=64, description="Id of the item before the first.")]
Before = Annotated[str, Query(max_length=64, description="Id of the item after the last.")]
Limit = Annotated[int, Query(ge=1, le=100)]


async def read_page(
    limit: Limit = 20, order: Order = "desc", after: After = "", before: Before = ""
) -> Wanted:
    """Return which part of a list is wanted. Awaited, for FastAPI sends what is not to a thread."""
    return Wanted(limit=limit, order=order, after=after, before=before)
