"""What searches collections in one process: one embedder and one memory of questions for all of them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.setting_groups.serving import ServeSettings
from serve.composition.models import Models
from serve.composition.stored_collections import StoredCollections
from serve.engine.alias_watcher import AliasWatcher
from serve.engine.question_vectors import QuestionVectors
from serve.engine.queue_states import Queue, QueueState, read_queue
from serve.engine.search_threads import Answerer, AnswererLimits, SearchThreads
from serve.engine.searching import ProbedSearches, Searches, SearchPort
from serve.engine.snapshot_pool import Engine

if TYPE_CHECKING:
    from serve.redis.redis_sharing import Sharing

PROBE: Final = SearchRequest(query="ready", k=1, mode=SearchMode.HYBRID)
"""Asked of a new snapshot before it answers others, and to tell whether the process is ready."""

_WARMING: Final = SearchRequest(query='"ready to" rea*', k=1, mode=SearchMode.LEXICAL)
"""Asked of a new snapshot, too: what phrases and prefixes compile is compiled before others ask them."""

_MAX_PROBES: Final = 16
"""Probes that may wait: those who ask for readiness ask one collection after the other."""


def choose_limits(settings: ServeSettings) -> AnswererLimits:
    """Return how many searches a process takes on."""
    return AnswererLimits(
        n_threads=settings.threads or os.cpu_count() or 1,
        max_waiting=settings.max_waiting,
        timeout_s=settings.timeout_s,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSearches:
    """What answers on one collection.

    Attributes:
        watcher: of its alias.
        answerer: asks its snapshots anything.
        searches: answers questions, that of readiness in a thread of its own.
    """

    watcher: AliasWatcher[Engine]
    answerer: Answerer[Engine]
    searches: SearchPort


class SearchProcess:
    """Opens what answers on collections; all of them share its threads, and the vectors of questions."""

    def __init__(
        self,
        stored: StoredCollections,
        vectors: QuestionVectors,
        *,
        embedder: EmbedderIdentity,
        open_engine: Callable[[str, str], Engine],
        limits: AnswererLimits,
        sharing: Sharing | None,
    ) -> None:
        """Take the parts.

        Args:
            stored: where the collections lie.
            vectors: of questions.
            embedder: that makes them.
            open_engine: the name of a collection and the id of a snapshot in, its engine out.
            limits: how many searches are taken on.
            sharing: with other processes; `None` for nothing.
        """
        self._stored, self._vectors, self._embedder = stored, vectors, embedder
        self._open_engine, self._sharing = open_engine, sharing
        self._threads = SearchThreads(limits)
        self._prober = SearchThreads(replace(limits, n_threads=1, max_waiting=_MAX_PROBES))

    @asynccontextmanager
    async def open_searches(self, name: str) -> AsyncIterator[OpenedSearches]:
        """Open what answers on a collection, and follow its alias, for the length of a block.

        Raises:
            EagleRayError: the alias cannot be read, or its snapshot not be opened or asked.
        """
        make_searches = partial(
            Searches, vectors=self._vectors, timeout_s=self._threads.limits.timeout_s, collection=name
        )
        async with AsyncExitStack() as stack:
            watcher = self._stored.watch_alias(name, partial(self._open_engine, name), probe=_ask_probe)
            stack.push_async_callback(watcher.close)
            await watcher.start()
            answerer = Answerer(watcher, self._threads)
            searches: SearchPort = make_searches(answerer)
            if self._sharing is not None:
                searches = await self._sharing.share_answers(
                    searches, collection=name, watcher=watcher, identity=self._embedder
                )
                self._sharing.share_moves(watcher, collection=name, alias=self._stored.alias)
            probing = make_searches(Answerer(watcher, self._prober))
            searches = ProbedSearches(searches, probing, probe=PROBE)
            yield OpenedSearches(watcher=watcher, answerer=answerer, searches=searches)

    def read_queues(self) -> tuple[QueueState, ...]:
        """Return what waits for its threads, and for the embedding of questions."""
        return (
            read_queue(Queue.SEARCH, self._threads),
            read_queue(Queue.SEARCH_EMBEDDING, self._vectors.encoder),
        )

    async def close(self) -> None:
        """End the threads, once no collection is open any more."""
        await self._prober.close()
        await self._threads.close()


@asynccontextmanager
async def open_search_process(
    stored: StoredCollections,
    models: Models,
    *,
    open_engine: Callable[[str, str], Engine],
    limits: AnswererLimits,
    sharing: Sharing | None,
) -> AsyncIterator[SearchProcess]:
    """Open what the searches of a process share, for the length of a block; see `SearchProcess`.

    Raises:
        ModelError: the embedder cannot be loaded.
    """
    identity = models.embedder.identity
    shared = None if sharing is None else sharing.share_vectors(identity)
    vectors = QuestionVectors(await models.open_question_encoder(), shared=shared)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(vectors.close)
        process = SearchProcess(
            stored, vectors, embedder=identity, open_engine=open_engine, limits=limits, sharing=sharing
        )
        stack.push_async_callback(process.close)
        yield process


def _ask_probe(engine: Engine) -> None:
    engine.search(PROBE)
    engine.search(_WARMING)
