"""What is kept of uploads: each record belongs to one caller, and is a JSON object in the store."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

Attribute = str | bool | int | float

WRITING_US: Final = 1_800_000_000
"""Microseconds after which a file that is still being written is taken for left by a crash."""

_NAME: Final = re.compile(r"(file-|vs_|vsfb_)[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """A file that was uploaded.

    Attributes:
        file_id: its name; nobody can guess it.
        created: microseconds.
        filename: as its owner calls it; the suffix says how it is read.
        purpose: what its owner says it is for.
        n_bytes: of its content.
        sha256: of its content, 64 hex digits.
    """

    folder: ClassVar[str] = "files"
    file_id: str
    created: int
    filename: str
    purpose: str
    n_bytes: int
    sha256: str

    @property
    def names(self) -> tuple[str, ...]:
        """Where it stands in its folder."""
        return (self.file_id,)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRecord:
    """A vector store: a name for files that are searched together.

    Attributes:
        store_id: its name; nobody can guess it.
        created: microseconds.
        name: as its owner calls it.
        description: what it is for.
        metadata: texts by name.
    """

    folder: ClassVar[str] = "stores"
    store_id: str
    created: int
    name: str = ""
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Where it stands in its folder."""
        return (self.store_id,)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedRecord:
    """A file in a vector store.

    Attributes:
        store_id: of the vector store.
        file_id: of the file.
        created: microseconds, when it was attached.
        filename: of the file.
        n_bytes: of the file.
        n_documents: it comes to.
        is_written: whether its documents can be found.
        attributes: values by name, to filter by.
        error_code: why it cannot be found, for programs; empty where it can, or is being written.
        error_detail: the same for people.
    """

    folder: ClassVar[str] = "attached"
    store_id: str
    file_id: str
    created: int
    filename: str
    n_bytes: int
    n_documents: int = 0
    is_written: bool = False
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    error_code: str = ""
    error_detail: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Where it stands in its folder."""
        return (self.store_id, self.file_id)

    @property
    def doc_ids(self) -> tuple[str, ...]:
        """Names of its documents in the collection."""
        return tuple(name_document(self.store_id, self.file_id, n) for n in range(self.n_documents))


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRecord:
    """Files that were attached together.

    Attributes:
        store_id: of the vector store.
        batch_id: its name.
        created: microseconds.
        file_ids: of its files.
    """

    folder: ClassVar[str] = "batches"
    store_id: str
    batch_id: str
    created: int
    file_ids: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Where it stands in its folder."""
        return (self.store_id, self.batch_id)


def end_left(attached: AttachedRecord, *, now: int) -> AttachedRecord:
    """Return the record as it is at a time, microseconds: failed where whatever wrote it must have ended."""
    if attached.is_written or attached.error_code or now < attached.created + WRITING_US:
        return attached
    detail = "the server ended while it wrote this file; attach it again"
    return replace(attached, error_code="server_error", error_detail=detail)


def make_name(kind: str) -> str:
    """Return a new name of 122 random bits; `kind` is `file-`, `vs_` or `vsfb_`."""
    return f"{kind}{uuid.uuid4().hex}"


def is_name(text: str) -> bool:
    """Return whether a text may name a record."""
    return _NAME.fullmatch(text) is not None


def name_source(store_id: str, file_id: str = "") -> str:
    """Return the `source` of the rows of a file in a vector store; without a file the prefix of them all."""
    return f"vector_stores/{store_id}/{file_id}"


def name_document(store_id: str, file_id: str, number: int) -> str:
    """Return the doc_id of a document of a file in a vector store."""
    return f"{name_source(store_id, file_id)}/{number}"
