"""What computes for a server: the port that its process, or the replicas of Ray Serve, implement."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from eagleray.contracts.manifests import EmbedderIdentity
from indexes.writing.requests import Write
from serve.composition.models import TextEncoders
from serve.engine.ports import AliasWatcherPort, AnswererPort, RankerPort
from serve.engine.queue_states import QueueState
from serve.engine.searching import SearchPort


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionBackend:
    """What answers on a collection, and takes its documents.

    Attributes:
        watcher: of its alias; started.
        searches: answers questions on its snapshots.
        answerer: asks its snapshots anything else.
        write: carries a write out, and returns the id of the snapshot that holds it.
    """

    watcher: AliasWatcherPort
    searches: SearchPort
    answerer: AnswererPort
    write: Callable[[Write], Awaitable[str]]


class Backend(Protocol):
    """What computes for a server: in its process, or in others."""

    @property
    def identity(self) -> EmbedderIdentity:
        """Of the embedder."""
        ...

    @property
    def encoders(self) -> TextEncoders:
        """Embed the texts of callers."""
        ...

    @property
    def ranker(self) -> RankerPort | None:
        """Scores the documents of callers, where the settings name a reranker."""
        ...

    async def read_queues(self) -> Sequence[QueueState]:
        """Return what waits in each queue, in all processes that have it."""
        ...

    def open_collection(self, name: str) -> AbstractAsyncContextManager[CollectionBackend]:
        """Open what answers on a collection, for the length of a block."""
        ...
