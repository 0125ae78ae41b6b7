"""The extension points: what a part must do to take another's place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eagleray.contracts.hits import FacetRequest, SearchRequest, SearchResponse
from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.many_hits import ManyHits
from eagleray.contracts.shown_documents import DocumentRequest, ShownDocument

FloatMatrix = npt.NDArray[np.float32]
"""float32 [n_rows, dim], C-contiguous."""

FloatVector = npt.NDArray[np.float32]
"""float32 [dim], C-contiguous."""

ScoreVector = npt.NDArray[np.float32]
"""float32 [n]."""


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into unit vectors; the same list of texts gives the same bits."""

    @property
    def identity(self) -> EmbedderIdentity:
        """What the bits depend on."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Return float32 [len(texts), dim], C-contiguous, unit L2 norm, in the order given."""
        ...

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return what `embed_passages` returns, with the model's query prefix if it has one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankerIdentity:
    """Which model scores: its name, and the digest (64 hex digits) of what its scores depend on."""

    name: str
    digest: str


@runtime_checkable
class Reranker(Protocol):
    """Scores passages against a question; the same question with the same list gives the same bits.

    In another list a passage's score may differ by float noise; equal passages of one list have equal scores.
    """

    @property
    def identity(self) -> RerankerIdentity:
        """Which model scores."""
        ...

    def score(self, query: str, passages: Sequence[str]) -> ScoreVector:
        """Return float32 [len(passages)], finite, in the order given; grows with relevance, of any scale.

        A passage longer than the model can read is cut, never refused.
        """
        ...


@runtime_checkable
class TokenCounter(Protocol):
    """Cuts text into the embedder's tokens."""

    def find_offsets(self, text: str) -> list[tuple[int, int]]:
        """Return (start, end) characters of each token, without special tokens."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object in a store: its name, size, change time (microseconds) and content tag if known."""

    path: str
    size_bytes: int
    modified: int
    tag: str


OnUnlisted = Callable[[str], None]
"""Is told what cannot be listed: the key of an object that no name stands for, because it has empty parts or
control characters; or a folder that may not be opened."""


@runtime_checkable
class Store(Protocol):
    """Objects by name, in a local folder or an S3-compatible service.

    Names are relative, separated by `/`. Every method raises `StoreError` when the store fails
    and `ObjectNotFoundError` where the object is not there.
    """

    @property
    def url(self) -> str:
        """`file:///…` or `s3://bucket/prefix`."""
        ...

    def read(self, path: str) -> bytes:
        """Return the whole object."""
        ...

    def read_range(self, path: str, start: int, end: int) -> bytes:
        """Return bytes `start` to `end` (exclusive); fewer where the object ends before."""
        ...

    def write(self, path: str, data: bytes) -> None:
        """Write the whole object durably: a reader sees the old bytes or the new, never a part."""
        ...

    def create(self, path: str, data: bytes) -> bool:
        """Write the object if there is none of that name; return whether this call made it."""
        ...

    def exists(self, path: str) -> bool:
        """Return whether there is such an object."""
        ...

    def list(self, prefix: str, *, on_unlisted: OnUnlisted | None = None) -> Iterator[StoredObject]:
        """Yield the objects below the folder `prefix`, in the order of their names.

        Args:
            prefix: folder; `""` is the whole store.
            on_unlisted: told every key, below the store, that no name stands for, and every folder below
                `prefix` that cannot be opened; without it, one such is an error.
        """
        ...

    def list_folders(self) -> tuple[str, ...]:
        """Return the names of the folders at the top of the store, sorted, without looking into them."""
        ...

    def upload(self, local: Path, path: str) -> None:
        """Write a local file as an object, durably."""
        ...

    def download(self, path: str, local: Path) -> None:
        """Write an object to a local file."""
        ...

    def find_local(self, path: str) -> Path | None:
        """Return the file behind an object where the store is a local folder, else `None`."""
        ...

    def delete(self, path: str) -> None:
        """Remove the object; removing one that is not there is no error."""
        ...


@runtime_checkable
class SearchEngine(Protocol):
    """Answers questions on one snapshot."""

    @property
    def snapshot(self) -> str:
        """Id of the snapshot."""
        ...

    def search(self, request: SearchRequest, *, vector: FloatVector | None = None) -> SearchResponse:
        """Return the best hits the caller may see as of the request's time.

        Args:
            request: the question.
            vector: of its query, with the bits that the engine's embedder gives it alone; `None` lets the
                engine embed it. Passed over where the question needs none.
        """
        ...

    def count_values(self, request: FacetRequest) -> list[dict[str, Any]]:
        """Return the commonest values of a column among what the caller may see: `value`, `documents`."""
        ...

    def show_document(self, request: DocumentRequest) -> ShownDocument:
        """Return what the caller may see of a document as of the request's time."""
        ...

    def search_many(
        self, requests: Sequence[SearchRequest], *, max_bytes: int = 128 << 20, n_threads: int = 0
    ) -> pa.Table:
        """Return the hits of many questions, a row a hit: those of single searches that say `exact`.

        Args:
            requests: the questions.
            max_bytes: memory that similarities and kept words may take at once.
            n_threads: threads that share the work; 0 takes every core this process may use.
        """
        ...

    def search_columns(self, requests: Sequence[SearchRequest], *, columns: Sequence[str]) -> ManyHits:
        """Return the hits of `search_many`, with more of what each hit has.

        Args:
            requests: the questions.
            columns: fields and attributes of hits, see `many_hits`; only those of hits are read.
        """
        ...
