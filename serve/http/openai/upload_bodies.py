"""What requests for files and vector stores carry, in OpenAI's shape.

Source: OpenAI's API reference, `/v1/files` and `/v1/vector_stores`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal, Self

from fastapi import Form, Query, UploadFile
from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator, model_validator

from eagleray.chunking.config import ChunkLengths
from eagleray.contracts.bounds import MAX_CONDITIONS, MAX_LISTED, MAX_QUESTION
from eagleray.contracts.hits import Granularity, Ranking, SearchMode, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.times import parse_instant
from serve.http.body_models import (
    Absent,
    Body,
    Finite,
    Int,
    Share,
    bound_items,
    describe_optional,
    drop_null_entries,
    show_example,
)
from serve.uploads.paging import Order, WantedPage

MAX_BATCH: Final = 100
"""Files that are attached together."""

_FILE: Final = "file-0123456789abcdef0123456789abcdef"

Key = Annotated[str, Field(min_length=1, max_length=64)]
Number = Annotated[int | Finite, WithJsonSchema({"type": "number"})]
Value = Annotated[str, Field(max_length=512)] | bool | Number
Attributes = Annotated[
    dict[Key, Value], Field(max_length=16), BeforeValidator(drop_null_entries), bound_items(16)
]
Metadata = Annotated[
    dict[Key, Annotated[str, Field(max_length=512)]],
    Field(max_length=16),
    BeforeValidator(drop_null_entries),
    bound_items(16),
]
Name = Annotated[str, Field(max_length=256)]


class AutoChunking(Body):
    """Files are cut as the collection's documents are."""

    type: Literal["auto"]


class StaticLengths(Body):
    """How long chunks are, in tokens of the collection's embedder."""

    max_chunk_size_tokens: Int = Field(
        ge=100,
        le=4_096,
        description="At most, headings included; more than the embedder reads is refused.",
    )
    chunk_overlap_tokens: Int = Field(
        ge=0, le=2_048, description="That neighbours share at most; not more than half of a chunk."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if 2 * self.chunk_overlap_tokens > self.max_chunk_size_tokens:
            raise ValueError("chunk_overlap_tokens: expected at most half of max_chunk_size_tokens")
        return self


class StaticChunking(Body):
    """Files are cut to lengths of their own."""

    type: Literal["static"]
    static: StaticLengths


ChunkingStrategy = Annotated[AutoChunking | StaticChunking, Field(discriminator="type")]


def read_lengths(strategy: AutoChunking | StaticChunking | None) -> ChunkLengths | None:
    """Return the lengths that a strategy asks for; `None` for those of the collection."""
    if not isinstance(strategy, StaticChunking):
        return None
    asked = strategy.static
    return ChunkLengths(max_tokens=asked.max_chunk_size_tokens, overlap_tokens=asked.chunk_overlap_tokens)


class StoreExpiry(Body):
    """When a vector store goes by itself."""

    anchor: Literal["last_active_at"]
    days: Int = Field(ge=1, le=365, description="After its last use.")


_FILE_EXPIRY: Final = {
    "type": "object",
    "description": "When it goes by itself; in forms `expires_after[anchor]` and `expires_after[seconds]`.",
    "properties": {
        "anchor": {"type": "string", "enum": ["created_at"]},
        "seconds": {"type": "integer", "format": "int64", "minimum": 3_600, "maximum": 2_592_000},
    },
    "required": ["anchor", "seconds"],
}


def _describe_form(schema: dict[str, Any]) -> None:
    """Show a form's nested object as one, as OpenAI's specification does."""
    properties = schema["properties"]
    for name in ("expires_after[anchor]", "expires_after[seconds]"):
        properties.pop(name, None)
    properties["file"] = {"type": "string", "format": "binary", "title": "File"}
    properties["expires_after"] = _FILE_EXPIRY
    schema["examples"] = [{"purpose": "assistants", "file": "# Notes"}]


class FileForm(Body):
    """A file, as a form carries it."""

    model_config = ConfigDict(json_schema_extra=_describe_form)

    file: UploadFile
    purpose: Literal["assistants", "user_data"] = Field(
        description="What it is for; both mean the same here, and others are refused."
    )
    anchor: Annotated[Literal["created_at"] | None, Form(alias="expires_after[anchor]")] = None
    seconds: Annotated[
        Annotated[int, Field(ge=3_600, le=2_592_000)] | None, Form(alias="expires_after[seconds]")
    ] = None

    @field_validator("file", mode="before")
    @classmethod
    def _refuse_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError("expected a part with a `filename`, found a field of text")
        return value

    @model_validator(mode="after")
    def _check_expiry(self) -> Self:
        if (self.anchor is None) is not (self.seconds is None):
            raise ValueError("expires_after: expected anchor and seconds, or neither")
        return self


class StoreBody(Body):
    """A vector store."""

    model_config = show_example(name="rates desk")

    name: Name = ""
    description: Annotated[str, Field(max_length=512)] = ""
    metadata: Metadata | None = None
    file_ids: list[Key] = Field(default=[], max_length=MAX_BATCH)
    expires_after: StoreExpiry | Absent = describe_optional()
    chunking_strategy: ChunkingStrategy | Absent = describe_optional()


class StoreChangeBody(Body):
    """What becomes another of a vector store; what is not given stays."""

    kept_nulls: ClassVar = frozenset({"expires_after"})

    model_config = show_example(name="credit desk")

    name: Name | None = None
    metadata: Metadata | None = None
    expires_after: StoreExpiry | None = Field(
        default=None, description="Null: it does not go by itself any more."
    )


class AttachBody(Body):
    """A file for a vector store."""

    model_config = show_example(file_id=_FILE, attributes={"year": 2024})

    file_id: Key
    attributes: Attributes | None = None
    chunking_strategy: ChunkingStrategy | Absent = describe_optional()


class AttributesBody(Body):
    """Attributes of a file in a vector store, in the place of those it has."""

    model_config = show_example(attributes={"year": 2025})

    attributes: Attributes | None


class FileBatchBody(Body):
    """Files for a vector store: `file_ids` with the same attributes, or `files` with their own."""

    model_config = show_example(file_ids=[_FILE])

    file_ids: list[Key] = Field(default=[], min_length=1, max_length=MAX_BATCH)
    files: list[AttachBody] = Field(default=[], min_length=1, max_length=MAX_BATCH)
    attributes: Attributes | None = None
    chunking_strategy: ChunkingStrategy | Absent = describe_optional()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if bool(self.file_ids) is bool(self.files):
            raise ValueError("expected either file_ids or files")
        return self


class RankingOptions(Body):
    """How results are ranked."""

    ranker: Literal["none", "auto", "default-2024-11-15", "default_2024_08_21"] = Field(
        default="auto", description="Every value stands for the collection's own ranking."
    )
    score_threshold: Share = 0.0


class ComparisonFilter(Body):
    """Files with an attribute that compares so with a value."""

    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]
    key: str
    value: (
        str
        | bool
        | Number
        | Annotated[list[str | bool | Number], Field(max_length=MAX_LISTED, fail_fast=True)]
    )


class CompoundFilter(Body):
    """Files that all filters select, or any of them."""

    type: Literal["and", "or"]
    filters: list[FileFilter] = Field(max_length=MAX_CONDITIONS, fail_fast=True)


FileFilter = Annotated[ComparisonFilter | CompoundFilter, Field(discriminator="type")]


class StoreSearchBody(Body):
    """One question to a vector store."""

    model_config = show_example(query="coupon", max_num_results=5)

    query: (
        Annotated[str, Field(min_length=1, max_length=MAX_QUESTION)]
        | Annotated[
            list[Annotated[str, Field(min_length=1, max_length=1_024)]], Field(min_length=1, max_length=16)
        ]
    )
    filters: FileFilter | Absent = describe_optional("Over the attributes of files.")
    max_num_results: Int = Field(default=10, ge=1, le=50)
    ranking_options: RankingOptions = RankingOptions()
    rewrite_query: bool = Field(default=False, description="Accepted; no question is rewritten.")
    as_of: str | Absent = describe_optional("ISO 8601; not one of OpenAI's.", max_length=64)

    def list_queries(self) -> list[str]:
        """Return the question, or its parts."""
        return [self.query] if isinstance(self.query, str) else self.query

    def to_request(self, principal: Principal) -> SearchRequest:
        """Return the question as the engine takes it, of everything the principal may see.

        Raises:
            InvalidTimeError: `as_of` names no instant.
        """
        return SearchRequest(
            query="\n".join(self.list_queries()),
            k=self.max_num_results,
            mode=SearchMode.HYBRID,
            granularity=Granularity.CHUNK,
            as_of=None if self.as_of is None else parse_instant(self.as_of),
            principal=principal,
            ranking=Ranking(min_score=self.ranking_options.score_threshold or None),
        )


After = Annotated[str, Query(max_length=64, description="Id of the item before the first.")]
Before = Annotated[str, Query(max_length=64, description="Id of the item after the last.")]
Limit = Annotated[int, Query(ge=1, le=100)]


async def read_page(
    limit: Limit = 20, order: Order = "desc", after: After = "", before: Before = ""
) -> WantedPage:
    """Return which part of a list is wanted. Awaited, for FastAPI sends what is not to a thread."""
    return WantedPage(limit=limit, order=order, after=after, before=before)
