"""One replica that searches, itself or by shards: follows the alias, answers on the snapshot a call names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.contracts.hits import SearchRequest, SearchResponse
from eagleray.embedders import open_embedder
from eagleray.errors import EagleRayError, OverloadedError, UnavailableError
from serve.assembling import PROBE, ask_probe, choose_limits, make_alias_watcher, watch_alias
from serve.deployments.arguments import Arguments
from serve.deployments.calling import returned
from serve.deployments.replica import Replica
from serve.deployments.shards import HandlePort, open_merged
from serve.engine.alias_watcher import AliasState, AliasWatcher
from serve.engine.answering import Answerer
from serve.engine.searching import SearchPort
from serve.engine.snapshot_pool import Engine
from serve.engine.startup_objects import keep_startup_objects
from serve.search_opening import open_searches
from serve.sharing import open_sharing
from serve.tracing.spans import Carrier


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a searcher stands with the alias; see `AliasWatcher`."""

    state: AliasState
    lookup_age_s: float
    n_taken: int


class Searcher(Replica):
    """Answers questions that come from other processes."""

    def __init__(self, arguments: Arguments, *shards: Any) -> None:
        """Take what holds the segments.

        Args:
            arguments: name the store, the collection and the alias.
            shards: handles of the groups that share out the segments; none where they are all opened here.
        """
        settings = arguments.read_settings()
        super().__init__(settings)
        self._settings, self._embedder = settings, open_embedder(settings.embedder)
        limits = choose_limits(settings)
        if shards:
            self._watcher = self._follow_shards(arguments.alias, shards)
            limits = replace(limits, n_threads=arguments.n_merged)
        else:
            self._watcher = make_alias_watcher(settings, arguments.alias, self._embedder)
        self._answerer = Answerer(self._watcher, limits)
        self._sharing = open_sharing(settings, alias=arguments.alias)
        self._searches: SearchPort | None = None
        self._starting = asyncio.Lock()

    async def check_health(self) -> None:
        """Answer a question; the first time, before requests come, open the snapshot.

        Raises:
            EagleRayError: it is not answered. Too much to do is no illness; that of shards is not its own.
        """
        searches = await self._start()
        try:
            await searches.answer(PROBE)
        except (OverloadedError, UnavailableError):
            return

    async def answer(
        self, ask: Callable[[Engine], Any], snapshot: AskedSnapshot | None, timeout_s: float, carrier: Carrier
    ) -> Any | EagleRayError:
        """Return what `ask` makes of the alias's snapshot or the named one, or the error."""
        return await returned(self._answerer.answer(ask, snapshot=snapshot, timeout_s=timeout_s), carrier)

    async def search(
        self, request: SearchRequest, snapshot: AskedSnapshot | None, timeout_s: float, carrier: Carrier
    ) -> SearchResponse | EagleRayError:
        """Return the answer of the alias's snapshot or the named one, or the error."""
        searches = await self._start()
        return await returned(searches.answer(request, snapshot=snapshot, timeout_s=timeout_s), carrier)

    async def search_all(
        self,
        requests: tuple[SearchRequest, ...],
        snapshot: AskedSnapshot | None,
        timeout_s: float,
        carrier: Carrier,
    ) -> tuple[SearchResponse, ...] | EagleRayError:
        """Return the answers of the alias's snapshot or the named one, or the error."""
        searches = await self._start()
        answers = searches.answer_all(requests, snapshot=snapshot, timeout_s=timeout_s)
        return await returned(answers, carrier)

    async def _start(self) -> SearchPort:
        """Open the snapshot, and what embeds questions, if that was not done yet."""
        async with self._starting:
            if self._searches is None:
                await self._watcher.start()
                opened = await open_searches(
                    self._settings,
                    embedder=self._embedder,
                    watcher=self._watcher,
                    answerer=self._answerer,
                    sharing=self._sharing,
                )
                if self._sharing is not None:
                    self._sharing.share_moves(self._watcher)
                self._searches = opened.searches
                keep_startup_objects()
        return self._searches

    def _follow_shards(self, alias: str, shards: Sequence[Any]) -> AliasWatcher[Engine]:
        loop, timeout_s = asyncio.get_running_loop(), self._settings.serve.timeout_s
        ports = [HandlePort(shard, loop=loop, timeout_s=timeout_s) for shard in shards]

        def open_one(snapshot: str) -> Engine:
            return open_merged(self._settings, snapshot=snapshot, ports=ports, embedder=self._embedder)

        return watch_alias(self._settings, alias, open_one, probe=ask_probe)

    async def settle(self, snapshot: str, timeout_s: float) -> bool:
        """Look at the alias now; see `AliasWatcher`."""
        await self._start()
        return await self._watcher.settle(snapshot, timeout_s=timeout_s)

    async def stand(self) -> Standing:
        """Return where it stands with the alias."""
        watcher = self._watcher
        return Standing(state=watcher.state, lookup_age_s=watcher.lookup_age_s, n_taken=watcher.n_taken)
