"""How files and vector stores are shown, in OpenAI's shape, and the models that describe it.

Source: OpenAI's API reference, `/v1/files` and `/v1/vector_stores`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel

from eagleray.contracts.hits import Hit
from serve.uploads.paging import Wanted, cut_page
from serve.uploads.records import AttachedRecord, Attribute, BatchRecord, FileRecord, StoreRecord

Item = TypeVar("Item")
Shown = dict[str, Any]

STATUSES: Final = ("in_progress", "completed", "failed", "cancelled")


class FileAnswer(BaseModel):
    """A file."""

    id: str
    object: Literal["file"]
    bytes: int
    created_at: int
    filename: str
    purpose: str
    status: Literal["processed"]


class DeletedAnswer(BaseModel):
    """What is gone."""

    id: str
    object: str
    deleted: Literal[True]


class CountsAnswer(BaseModel):
    """How many files are how far."""

    in_progress: int
    completed: int
    failed: int
    cancelled: int
    total: int


class StoreAnswer(BaseModel):
    """A vector store."""

    id: str
    object: Literal["vector_store"]
    created_at: int
    last_active_at: int
    name: str
    description: str
    metadata: dict[str, str]
    status: Literal["in_progress", "completed"]
    usage_bytes: int
    file_counts: CountsAnswer


class FaultAnswer(BaseModel):
    """Why a file cannot be found."""

    code: str
    message: str


class AttachedAnswer(BaseModel):
    """A file in a vector store."""

    id: str
    object: Literal["vector_store.file"]
    created_at: int
    vector_store_id: str
    status: Literal["in_progress", "completed", "failed"]
    last_error: FaultAnswer | None
    usage_bytes: int
    attributes: dict[str, Attribute]
    chunking_strategy: dict[str, str]


class BatchAnswer(BaseModel):
    """Files that were attached together."""

    id: str
    object: Literal["vector_store.files_batch"]
    created_at: int
    vector_store_id: str
    status: Literal["in_progress", "completed"]
    file_counts: CountsAnswer


class _PageAnswer(BaseModel):
    object: Literal["list"]
    first_id: str | None
    last_id: str | None
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
    score: float
    attributes: dict[str, Attribute]
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
        "created_at": file.created // 1_000_000,
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
    }


def show_attached(attached: AttachedRecord) -> Shown:
    """Show a file in a vector store."""
    fault = {"code": attached.error_code, "message": attached.error_detail} if attached.error_code else None
    return {
        "id": attached.file_id,
        "object": "vector_store.file",
        "created_at": attached.created // 1_000_000,
        "vector_store_id": attached.store_id,
        "status": find_status(attached),
        "last_error": fault,
        "usage_bytes": attached.n_bytes if attached.is_written else 0,
        "attributes": dict(attached.attributes),
        "chunking_strategy": {"type": "auto"},
    }


def find_status(attached: AttachedRecord) -> str:
    """Return how far a file is."""
    if attached.error_code:
        return "failed"
    return "completed" if attached.is_written else "in_progress"


def show_store(store: StoreRecord, attached: Sequence[AttachedRecord]) -> Shown:
    """Show a vector store with the files it has."""
    counts = _count(attached)
    return {
        "id": store.store_id,
        "object": "vector_store",
        "created_at": store.created // 1_000_000,
        "last_active_at": max((item.created for item in attached), default=store.created) // 1_000_000,
        "name": store.name,
        "description": store.description,
        "metadata": dict(store.metadata),
        "status": "in_progress" if counts["in_progress"] else "completed",
        "usage_bytes": sum(item.n_bytes for item in attached if item.is_written),
        "file_counts": counts,
    }


def show_batch(batch: BatchRecord, attached: Sequence[AttachedRecord]) -> Shown:
    """Show a batch with those of its files that are still there."""
    counts = _count(attached)
    return {
        "id": batch.batch_id,
        "object": "vector_store.files_batch",
        "created_at": batch.created // 1_000_000,
        "vector_store_id": batch.store_id,
        "status": "in_progress" if counts["in_progress"] else "completed",
        "file_counts": counts,
    }


def show_deleted(name: str, kind: str) -> Shown:
    """Show that something is gone."""
    return {"id": name, "object": f"{kind}.deleted" if kind != "file" else kind, "deleted": True}


def show_page(
    items: Sequence[Item], wanted: Wanted, *, name: Callable[[Item], str], show: Callable[[Item], Shown]
) -> Shown:
    """Show a part of a list, given oldest first.

    Raises:
        InputError: the part begins or ends with an item that is not in the list.
    """
    page, has_more = cut_page(items, wanted, name=name)
    return {
        "object": "list",
        "data": [show(item) for item in page],
        "first_id": name(page[0]) if page else None,
        "last_id": name(page[-1]) if page else None,
        "has_more": has_more,
    }


def show_result(hit: Hit, attached: AttachedRecord) -> Shown:
    """Show a hit in a file."""
    return {
        "file_id": attached.file_id,
        "filename": attached.filename,
        "score": hit.score,
        "attributes": dict(attached.attributes),
        "content": [{"type": "text", "text": hit.text}],
    }


def _count(attached: Sequence[AttachedRecord]) -> dict[str, int]:
    statuses = [find_status(item) for item in attached]
    return {status: statuses.count(status) for status in STATUSES} | {"total": len(statuses)}
