"""One replica of a shard: one group of segments of the snapshots that are asked; answers steps on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from eagleray.contracts.asked_snapshots import AskedSnapshot, ask_own
from eagleray.contracts.indexes import TextField
from eagleray.contracts.principals import ANONYMOUS
from eagleray.errors import EagleRayError, OverloadedError
from indexes.engine_factory import make_engine_factory
from indexes.searching.sharded.shard import Shard, Step
from indexes.searching.sharded.steps import CountWords
from indexes.searching.targets import Scope
from indexes.shard_service import open_shard
from serve.composition.searches import choose_limits
from serve.composition.stored_collections import find_collections, for_collection
from serve.deployments.arguments import Arguments
from serve.deployments.calling import returned
from serve.deployments.replica import Replica
from serve.engine.alias_watcher import AliasWatcher
from serve.engine.search_threads import Answerer, SearchThreads
from serve.engine.startup_objects import keep_startup_objects
from serve.tracing.spans import Carrier

_NOBODY: Final = Scope(as_of=None, principal=ANONYMOUS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """What answers steps on one collection."""

    watcher: AliasWatcher[Shard]
    answerer: Answerer[Shard]


class SegmentShard(Replica):
    """Answers steps that come from mergers; it opens what the aliases name by itself, before it is asked."""

    def __init__(self, arguments: Arguments, group: int) -> None:
        """Take a group of segments of each collection.

        Args:
            arguments: say over how many groups the segments are divided.
            group: its number, from 0.
        """
        settings = arguments.read_settings()
        super().__init__(settings.tracing)
        self._settings, self._arguments, self._group = settings, arguments, group
        self._threads = SearchThreads(choose_limits(settings.serve))
        self._stored = find_collections(settings, alias=arguments.alias)
        self._pool = self._stored.make_pool(self._open_collection)
        self._starting, self._is_started = asyncio.Lock(), False

    async def check_health(self) -> None:
        """Answer a step on each collection; the first time, before steps come, open their snapshots.

        Raises:
            EagleRayError: it is not answered. Too much to do is no illness.
        """
        async with self._starting:
            if not self._is_started:
                await self._pool.start()
                self._is_started = True
                keep_startup_objects()
        for opened in tuple(self._pool.opened.values()):
            with suppress(OverloadedError):
                await opened.answerer.answer(_ask_probe)

    async def open(self, collection: str, snapshot: str) -> str | EagleRayError:
        """Open a snapshot, if it is not open, and return its id, or the error."""
        return await returned(self._open(collection, snapshot), {})

    async def answer(
        self,
        collection: str,
        step: Step[Any],
        asked: AskedSnapshot | None,
        timeout_s: float,
        carrier: Carrier,
    ) -> Any | EagleRayError:
        """Return the answer to a step on the snapshot that it names, as asked, or the error."""
        return await returned(self._answer(collection, step, asked, timeout_s), carrier)

    async def _answer(
        self, collection: str, step: Step[Any], asked: AskedSnapshot | None, timeout_s: float
    ) -> Any:
        opened = await self._pool.obtain(collection)
        named = asked or ask_own(step.snapshot)
        return await opened.answerer.answer(partial(_take, step), snapshot=named, timeout_s=timeout_s)

    async def _open(self, collection: str, snapshot: str) -> str:
        opened = await self._pool.obtain(collection)
        lease = await opened.watcher.lease(snapshot)
        lease.release()
        return snapshot

    @asynccontextmanager
    async def _open_collection(self, collection: str) -> AsyncIterator[_Opened]:
        settings = for_collection(self._settings, collection)
        engines = make_engine_factory(settings)
        n_groups = self._arguments.shards

        def open_one(snapshot: str) -> Shard:
            return open_shard(engines, snapshot=snapshot, group=self._group, n_groups=n_groups)

        watcher = self._stored.watch_alias(collection, open_one, probe=_ask_probe)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(watcher.close)
            await watcher.start()
            yield _Opened(watcher=watcher, answerer=Answerer(watcher, self._threads))


def _take(step: Step[Any], shard: Shard) -> Any:
    return shard.answer(step)


def _ask_probe(shard: Shard) -> None:
    step = CountWords(snapshot=shard.snapshot, scope=_NOBODY, terms=("ready",), fields=(TextField.BODY,))
    shard.answer(step)
