"""What searches collections in one process: one embedder and one memory of questions for all of them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.ports import Embedder
from eagleray.settings import Settings
from indexes.snapshots.catalog import resolve
from indexes.storage import open_store
from serve.composition.models import open_question_encoder
from serve.engine.alias_watcher import AliasWatcher
from serve.engine.answering import Answerer, AnswererLimits, SearchThreads
from serve.engine.question_vectors import QuestionVectors
from serve.engine.searching import ProbedSearches, Searches, SearchPort
from serve.engine.snapshot_pool import Engine, Opened, SnapshotPool

if TYPE_CHECKING:
    from serve.redis.opening import Sharing

PROBE: Final = SearchRequest(query="ready", k=1, mode=SearchMode.HYBRID)
"""Asked of a new snapshot before it answers others, and to tell whether the process is ready."""


_MAX_PROBES: Final = 16
"""Probes that may wait: those who ask for readiness ask one collection after the other."""


def ask_probe(engine: Engine) -> None:
    """Ask a new engine the probe."""
    engine.search(PROBE)


def choose_limits(settings: Settings) -> AnswererLimits:
    """Return how many searches a process takes on."""
    return AnswererLimits(
        n_threads=settings.serve.threads or os.cpu_count() or 1,
        max_waiting=settings.serve.max_waiting,
        timeout_s=settings.serve.timeout_s,
    )


def watch_alias(
    settings: Settings,
    alias: str,
    open_engine: Callable[[str], Opened],
    *,
    probe: Callable[[Opened], object],
) -> AliasWatcher[Opened]:
    """Return the watcher of an alias of the settings' collection, not yet started.

    Args:
        settings: name the store and the collection.
        alias: its name.
        open_engine: id of a snapshot in, what is to be held of it out.
        probe: asks it before others may; see `AliasWatcher`.
    """
    return AliasWatcher(
        SnapshotPool(open_engine),
        partial(resolve, Collection(open_store(settings.store, s3=settings.s3), settings.collection), alias),
        probe=probe,
        interval_s=settings.serve.poll_s,
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
    """Opens what answers on collections; all of them share its embedder, and the vectors of questions."""

    def __init__(
        self,
        embedder: Embedder,
        vectors: QuestionVectors,
        *,
        open_engine: Callable[[Settings, str], Engine],
        threads: SearchThreads,
        prober: SearchThreads,
        sharing: Sharing | None,
    ) -> None:
        """Take the parts.

        Args:
            embedder: of questions.
            vectors: of questions; of that embedder.
            open_engine: the settings of a collection and the id of a snapshot in, its engine out.
            threads: ask the snapshots.
            prober: asks them the question that tells readiness.
            sharing: with other processes; `None` for nothing.
        """
        self._embedder, self._vectors, self._open_engine = embedder, vectors, open_engine
        self._threads, self._prober, self._sharing = threads, prober, sharing

    @asynccontextmanager
    async def open_searches(self, settings: Settings, alias: str) -> AsyncIterator[OpenedSearches]:
        """Open what answers on the settings' collection, and follow its alias, for the length of a block.

        Raises:
            EagleRayError: the alias cannot be read, or its snapshot not be opened or asked.
        """
        timeout_s = self._threads.limits.timeout_s
        async with AsyncExitStack() as stack:
            watcher = watch_alias(settings, alias, partial(self._open_engine, settings), probe=ask_probe)
            stack.push_async_callback(watcher.close)
            await watcher.start()
            answerer = Answerer(watcher, self._threads)
            searches: SearchPort = Searches(answerer, self._vectors, timeout_s=timeout_s)
            if self._sharing is not None:
                collection = settings.collection
                searches = await self._sharing.share_answers(
                    searches, collection=collection, watcher=watcher, identity=self._embedder.identity
                )
                self._sharing.share_moves(watcher, collection=collection, alias=alias)
            probing = Searches(Answerer(watcher, self._prober), self._vectors, timeout_s=timeout_s)
            searches = ProbedSearches(searches, probing, probe=PROBE)
            yield OpenedSearches(watcher=watcher, answerer=answerer, searches=searches)


@asynccontextmanager
async def open_search_process(
    settings: Settings,
    embedder: Embedder,
    *,
    open_engine: Callable[[Settings, str], Engine],
    limits: AnswererLimits,
    sharing: Sharing | None,
) -> AsyncIterator[SearchProcess]:
    """Open what the searches of a process share, for the length of a block; see `SearchProcess`.

    Raises:
        ModelError: the embedder cannot be loaded.
    """
    shared = None if sharing is None else sharing.share_vectors(embedder.identity)
    vectors = QuestionVectors(await open_question_encoder(settings, embedder), shared=shared)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(vectors.close)
        threads, prober = SearchThreads(limits), SearchThreads(_choose_prober_limits(limits))
        stack.push_async_callback(threads.close)
        stack.push_async_callback(prober.close)
        yield SearchProcess(
            embedder, vectors, open_engine=open_engine, threads=threads, prober=prober, sharing=sharing
        )


def _choose_prober_limits(limits: AnswererLimits) -> AnswererLimits:
    return AnswererLimits(n_threads=1, max_waiting=_MAX_PROBES, timeout_s=limits.timeout_s)
