"""One replica that searches, itself or by shards: follows aliases, answers on the snapshot a call names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from typing import Any

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.contracts.hits import SearchRequest, SearchResponse
from eagleray.errors import EagleRayError, OverloadedError, UnavailableError
from indexes.engine_factory import make_engine_factory
from indexes.shard_service import open_merger
from serve.composition.models import Models
from serve.composition.searches import (
    PROBE,
    OpenedSearches,
    SearchProcess,
    choose_limits,
    open_search_process,
)
from serve.composition.sharing import open_sharing
from serve.composition.stored_collections import find_collections, for_collection
from serve.deployments.arguments import Arguments
from serve.deployments.calling import returned
from serve.deployments.replica import Replica
from serve.deployments.shards import HandlePort
from serve.engine.alias_watcher import AliasState, AliasWatcher
from serve.engine.collection_pool import CollectionPool
from serve.engine.queue_states import QueueState
from serve.engine.snapshot_pool import Engine
from serve.engine.startup_objects import keep_startup_objects
from serve.tracing.spans import Carrier


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a searcher stands with the alias of a collection; see `AliasWatcher`."""

    state: AliasState
    lookup_age_s: float
    n_taken: int


class SearcherReplica(Replica):
    """Answers questions that come from other processes."""

    def __init__(self, arguments: Arguments, *shards: Any) -> None:
        """Take what holds the segments.

        Args:
            arguments: name the store, the collections and the alias.
            shards: handles of the groups that share out the segments; none where they are all opened here.
        """
        settings = arguments.read_settings()
        super().__init__(settings.tracing)
        self._settings, self._alias, self._shards = settings, arguments.alias, shards
        self._models, self._loop = Models(settings), asyncio.get_running_loop()
        self._limits = choose_limits(settings.serve)
        if shards:
            self._limits = replace(self._limits, n_threads=arguments.n_merged)
        self._stack, self._starting = AsyncExitStack(), asyncio.Lock()
        self._process: SearchProcess | None = None
        self._started: CollectionPool[OpenedSearches] | None = None

    async def check_health(self) -> None:
        """Answer a question of each collection; the first time, before requests come, open their snapshots.

        Raises:
            EagleRayError: it is not answered. Too much to do is no illness; that of shards is not its own.
        """
        pool = await self._start()
        for opened in tuple(pool.opened.values()):
            with suppress(OverloadedError, UnavailableError):
                await opened.searches.answer(PROBE)

    async def answer(
        self,
        collection: str,
        ask: Callable[[Engine], Any],
        snapshot: AskedSnapshot | None,
        timeout_s: float,
        carrier: Carrier,
    ) -> Any | EagleRayError:
        """Return what `ask` makes of the alias's snapshot or the named one, or the error."""

        async def work() -> Any:
            opened = await self._find(collection)
            return await opened.answerer.answer(ask, snapshot=snapshot, timeout_s=timeout_s)

        return await returned(work(), carrier)

    async def search(
        self,
        collection: str,
        request: SearchRequest,
        snapshot: AskedSnapshot | None,
        timeout_s: float,
        carrier: Carrier,
    ) -> SearchResponse | EagleRayError:
        """Return the answer of the alias's snapshot or the named one, or the error."""

        async def work() -> SearchResponse:
            opened = await self._find(collection)
            return await opened.searches.answer(request, snapshot=snapshot, timeout_s=timeout_s)

        return await returned(work(), carrier)

    async def search_all(
        self,
        collection: str,
        requests: tuple[SearchRequest, ...],
        snapshot: AskedSnapshot | None,
        timeout_s: float,
        carrier: Carrier,
    ) -> tuple[SearchResponse, ...] | EagleRayError:
        """Return the answers of the alias's snapshot or the named one, or the error."""

        async def work() -> tuple[SearchResponse, ...]:
            opened = await self._find(collection)
            return await opened.searches.answer_all(requests, snapshot=snapshot, timeout_s=timeout_s)

        return await returned(work(), carrier)

    async def settle(self, collection: str, snapshot: str, timeout_s: float) -> bool:
        """Look at the alias now; see `AliasWatcher`."""
        opened = await self._find(collection)
        return await opened.watcher.settle(snapshot, timeout_s=timeout_s)

    async def open(self, collection: str) -> Standing | EagleRayError:
        """Open a collection, if it is not open, and return where it stands with its alias, or the error."""

        async def work() -> Standing:
            return _show((await self._find(collection)).watcher)

        return await returned(work(), {})

    async def stand(self) -> dict[str, Standing]:
        """Return where it stands with the alias of each collection that is open."""
        pool = await self._start()
        return {name: _show(opened.watcher) for name, opened in pool.opened.items()}

    async def read_queues(self) -> tuple[QueueState, ...]:
        """Return what waits in the queues of this replica."""
        await self._start()
        return () if self._process is None else self._process.read_queues()

    async def _find(self, collection: str) -> OpenedSearches:
        pool = self._started or await self._start()
        return await pool.obtain(collection)

    async def _start(self) -> CollectionPool[OpenedSearches]:
        """Open what embeds questions, and the collections, if that was not done yet."""
        async with self._starting:
            if self._started is None:
                sharing = await self._stack.enter_async_context(open_sharing(self._settings))
                stored = find_collections(self._settings, alias=self._alias)
                opening = open_search_process(
                    stored,
                    self._models,
                    open_engine=self._open_engine,
                    limits=self._limits,
                    sharing=sharing,
                )
                self._process = process = await self._stack.enter_async_context(opening)
                pool = stored.make_pool(process.open_searches)
                await pool.start()
                self._started = pool
                keep_startup_objects()
        return self._started

    def _open_engine(self, collection: str, snapshot: str) -> Engine:
        engines = make_engine_factory(for_collection(self._settings, collection))
        if not self._shards:
            return engines.open_searcher(snapshot, embedder=self._models.embedder)
        timeout_s = self._settings.serve.timeout_s
        ports = [
            HandlePort(shard, collection, loop=self._loop, timeout_s=timeout_s) for shard in self._shards
        ]
        for pending in [port.open(snapshot) for port in ports]:
            pending.result()  # every group has opened its segments
        return open_merger(engines, snapshot=snapshot, ports=ports, embedder=self._models.embedder)


def _show(watcher: AliasWatcher[Engine]) -> Standing:
    return Standing(state=watcher.state, lookup_age_s=watcher.lookup_age_s, n_taken=watcher.n_taken)
