"""How files and vector stores are shown, and that things are gone, and the models that describe it.

Source: OpenAI's API reference, `/v1/files`, `/v1/vector_stores` and `DELETE /v1/responses/{response_id}`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, WithJsonSchema

from eagleray.contracts.hits import Hit
from serve.uploads.paging import Item, PageBounds, WantedPage, cut_page
from serve.uploads.records import Attached, BatchRecord, FileRecord, StoreRecord

Shown = dict[str, Any]

STATUSES: Final = ("in_progress", "completed", "failed", "cancelled")

Time = Annotated[int, Field(json_schema_extra={"format": "unixtime"})]
Number = Annotated[int | float, WithJsonSchema({"type": "number"})]
Attributes = dict[str, str | bool | Number] | None


class FileAnswer(BaseModel):
    """A file."""

    id: str
    object: Literal["file"]
    bytes: int
    created_at: Time
    filename: str
    purpose: Literal[
        "assistants",
        "assistants_output",
        "batch",
        "batch_output",
        "fine-tune",
        "fine-tune-results",
        "vision",
        "user_data",
    ] = Field(description="Here `assistants` or `user_data`.")
    status: Literal["uploaded", "processed", "error"] = Field(
        deprecated=True, description="Here `processed`: the file is there."
    )
    expires_at: Time | None = None
    status_details: str | None = Field(default=None, deprecated=True, description="Here null.")


class DeletedFileAnswer(BaseModel):
    """A file that is gone."""

    id: str
    object: Literal["file"]
    deleted: bool


class DeletedStoreAnswer(BaseModel):
    """A vector store that is gone."""

    id: str
    object: Literal["vector_store.deleted"]
    deleted: bool


class DeletedResponseAnswer(BaseModel):
    """A response that is gone."""

    id: str
    object: Literal["response"]
    deleted: bool


class DeletedAttachedAnswer(BaseModel):
    """A file that is in a vector store no more."""

    id: str
    object: Literal["vector_store.file.deleted"]
    deleted: bool


class CountsAnswer(BaseModel):
    """How many files are how far."""

    in_progress: int
    completed: int
    failed: int
    cancelled: int
    total: int


class StoreExpiryAnswer(BaseModel):
    """When a vector store goes by itself."""

    anchor: Literal["last_active_at"]
    days: int = Field(ge=1, le=365)


class StoreAnswer(BaseModel):
    """A vector store."""

    id: str
    object: Literal["vector_store"]
    created_at: Time
    last_active_at: Time | None
    name: str
    description: str
    metadata: dict[str, str] | None
    status: Literal["expired", "in_progress", "completed"]
    usage_bytes: int
    file_counts: CountsAnswer
    expires_after: StoreExpiryAnswer | None = None
    expires_at: Time | None = None


class FaultAnswer(BaseModel):
    """Why a file cannot be found."""

    code: Literal["server_error", "unsupported_file", "invalid_file"]
    message: str


class StaticLengthsAnswer(BaseModel):
    """How long chunks are, in tokens of the collection's embedder."""

    max_chunk_size_tokens: int = Field(
        ge=1, le=4_096, description="Where files are cut as the collection's texts, the length aimed at."
    )
    chunk_overlap_tokens: int


class StaticChunkingAnswer(BaseModel):
    """How a file is cut."""

    type: Literal["static"]
    static: StaticLengthsAnswer


class OtherChunkingAnswer(BaseModel):
    """A file is cut in a way that is not known."""

    type: Literal["other"]


class AttachedAnswer(BaseModel):
    """A file in a vector store."""

    id: str
    object: Literal["vector_store.file"]
    created_at: Time
    vector_store_id: str
    status: Literal["in_progress", "completed", "cancelled", "failed"]
    last_error: FaultAnswer | None
    usage_bytes: int
    attributes: Attributes
    chunking_strategy: Annotated[StaticChunkingAnswer | OtherChunkingAnswer, Field(discriminator="type")]


class FileBatchAnswer(BaseModel):
    """Files that were attached together."""

    id: str
    object: Literal["vector_store.files_batch"]
    created_at: Time
    vector_store_id: str
    status: Literal["in_progress", "completed", "cancelled", "failed"]
    file_counts: CountsAnswer


class _PageAnswer(BaseModel):
    object: Literal["list"]
    first_id: str = Field(description="Empty where the page is.")
    last_id: str = Field(description="Empty where the page is.")
    has_more: bool


class FilesAnswer(_PageAnswer):
    """A page of files."""

    data: list[FileAnswer]


class StoresAnswer(_PageAnswer):
    """A page of vector stores."""

    data: list[StoreAnswer]


class AttachedPageAnswer(_PageAnswer):
    """A page of files in a vector store."""

    data: list[AttachedAnswer]


class TextAnswer(BaseModel):
    """A piece of text."""

    type: Literal["text"]
    text: str


class TextsAnswer(BaseModel):
    """The text of a file."""

    object: Literal["vector_store.file_content.page"]
    data: list[TextAnswer]
    has_more: bool
    next_page: str | None


class ResultAnswer(BaseModel):
    """A chunk of a file, and how well it fits."""

    file_id: str
    filename: str
    score: float = Field(ge=0, le=1)
    attributes: Attributes
    content: list[TextAnswer]


class ResultsAnswer(BaseModel):
    """Results, best first."""

    object: Literal["vector_store.search_results.page"]
    search_query: list[str]
    data: list[ResultAnswer]
    has_more: bool
    next_page: str | None


def show_file(file: FileRecord) -> Shown:
    """Show a file."""
    return {
        "id": file.file_id,
        "object": "file",
        "bytes": file.n_bytes,
        "created_at": _show_time(file.created),
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
        "expires_at": _show_time(file.expires) if file.expires else None,
        "status_details": None,
    }


def show_attached(attached: Attached, landed: Collection[str]) -> Shown:
    """Show a file in a vector store.

    Args:
        attached: its record.
        landed: snapshots that searches are answered from.
    """
    status = find_status(attached, landed)
    fault = {"code": attached.error_code, "message": attached.error_detail} if status == "failed" else None
    return {
        "id": attached.file_id,
        "object": "vector_store.file",
        "created_at": _show_time(attached.created),
        "vector_store_id": attached.store_id,
        "status": status,
        "last_error": fault,
        "usage_bytes": attached.n_bytes if status == "completed" else 0,
        "attributes": dict(attached.attributes),
        "chunking_strategy": {
            "type": "static",
            "static": {
                "max_chunk_size_tokens": attached.max_tokens,
                "chunk_overlap_tokens": attached.overlap_tokens,
            },
        },
    }


def find_status(attached: Attached, landed: Collection[str]) -> str:
    """Return how far a file is: completed once a search finds it, and not before."""
    if attached.is_cancelled:
        return "cancelled"
    if attached.error_code:
        return "failed"
    return "completed" if attached.snapshot in landed else "in_progress"


def show_store(store: StoreRecord, attached: Sequence[Attached], landed: Collection[str]) -> Shown:
    """Show a vector store with the files it has; see `show_attached`."""
    counts, n_days = _count(attached, landed), store.terms.n_days
    status = "in_progress" if counts["in_progress"] else "completed"
    return {
        "id": store.store_id,
        "object": "vector_store",
        "created_at": _show_time(store.created),
        "last_active_at": _show_time(store.last_active),
        "name": store.terms.name,
        "description": store.terms.description,
        "metadata": dict(store.terms.metadata),
        "status": "expired" if store.is_expired else status,
        "usage_bytes": sum(item.n_bytes for item in attached if find_status(item, landed) == "completed"),
        "file_counts": counts,
        "expires_after": {"anchor": "last_active_at", "days": n_days} if n_days else None,
        "expires_at": _show_time(store.expires) if store.expires else None,
    }


def show_batch(batch: BatchRecord, attached: Sequence[Attached], landed: Collection[str]) -> Shown:
    """Show a batch with those of its files that are still there; see `show_attached`."""
    counts = _count(attached, landed)
    status = "in_progress" if counts["in_progress"] else "completed"
    if not counts["in_progress"] and counts["failed"] and counts["failed"] == counts["total"]:
        status = "failed"
    return {
        "id": batch.batch_id,
        "object": "vector_store.files_batch",
        "created_at": _show_time(batch.created),
        "vector_store_id": batch.store_id,
        "status": "cancelled" if batch.is_cancelled else status,
        "file_counts": counts,
    }


def show_deleted(name: str, kind: str) -> Shown:
    """Show that something is gone."""
    return {
        "id": name,
        "object": kind if kind in ("file", "response") else f"{kind}.deleted",
        "deleted": True,
    }


def show_page(
    items: Iterable[Item], wanted: WantedPage, bounds: PageBounds, *, show: Callable[[Item], Shown]
) -> Shown:
    """Show a part of a list."""
    page, has_more = cut_page(items, wanted, bounds)
    return {
        "object": "list",
        "data": [show(item) for item in page],
        "first_id": page[0].place[1] if page else "",
        "last_id": page[-1].place[1] if page else "",
        "has_more": has_more,
    }


def show_result(hit: Hit, attached: Attached) -> Shown:
    """Show a hit in a file."""
    return {
        "file_id": attached.file_id,
        "filename": attached.filename,
        "score": hit.score,
        "attributes": dict(attached.attributes),
        "content": [{"type": "text", "text": hit.text}],
    }


def _show_time(at: int) -> int:
    """Return seconds of microseconds."""
    return at // 1_000_000


def _count(attached: Sequence[Attached], landed: Collection[str]) -> dict[str, int]:
    statuses = [find_status(item, landed) for item in attached]
    return {status: statuses.count(status) for status in STATUSES} | {"total": len(statuses)}
