"""One replica of a shard: one group of segments of the snapshots that are asked; answers steps on them."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, Final

from eagleray.contracts.asked_snapshots import AskedSnapshot, ask_own
from eagleray.contracts.indexes import TextField
from eagleray.contracts.principals import ANONYMOUS
from eagleray.errors import EagleRayError, OverloadedError
from indexes.searching.sharded.shard import Shard, Step
from indexes.searching.sharded.steps import CountWords
from indexes.searching.targets import Scope
from indexes.shard_service import open_shard
from serve.assembling import choose_limits, watch_alias
from serve.deployments.arguments import Arguments
from serve.deployments.calling import returned
from serve.deployments.replica import Replica
from serve.engine.answering import Answerer
from serve.engine.startup_objects import keep_startup_objects
from serve.tracing.spans import Carrier

_NOBODY: Final = Scope(as_of=None, principal=ANONYMOUS)


class SegmentShard(Replica):
    """Answers steps that come from mergers; it opens what the alias names by itself, before it is asked."""

    def __init__(self, arguments: Arguments, group: int) -> None:
        """Take a group of segments.

        Args:
            arguments: say over how many groups the segments are divided.
            group: its number, from 0.
        """
        settings = arguments.read_settings()
        super().__init__(settings)

        def open_one(snapshot: str) -> Shard:
            return open_shard(settings, snapshot=snapshot, group=group, n_groups=arguments.shards)

        self._watcher = watch_alias(settings, arguments.alias, open_one, probe=_ask_probe)
        self._answerer = Answerer(self._watcher, choose_limits(settings))
        self._starting, self._is_started = asyncio.Lock(), False

    async def check_health(self) -> None:
        """Answer a step; the first time, before steps come, open the alias's snapshot.

        Raises:
            EagleRayError: it is not answered. Too much to do is no illness.
        """
        async with self._starting:
            if not self._is_started:
                await self._watcher.start()
                self._is_started = True
                keep_startup_objects()
        try:
            await self._answerer.answer(_ask_probe)
        except OverloadedError:
            return

    async def open(self, snapshot: str) -> str | EagleRayError:
        """Open a snapshot, if it is not open, and return its id, or the error."""
        return await returned(self._open(snapshot), {})

    async def answer(
        self, step: Step[Any], asked: AskedSnapshot | None, timeout_s: float, carrier: Carrier
    ) -> Any | EagleRayError:
        """Return the answer to a step on the snapshot that it names, as asked, or the error."""
        take = partial(_take, step)
        if asked is None:
            asked = ask_own(step.snapshot)
        answer = self._answerer.answer(take, snapshot=asked, timeout_s=timeout_s)
        return await returned(answer, carrier)

    async def _open(self, snapshot: str) -> str:
        lease = await self._watcher.lease(snapshot)
        lease.release()
        return snapshot


def _take(step: Step[Any], shard: Shard) -> Any:
    return shard.answer(step)


def _ask_probe(shard: Shard) -> None:
    step = CountWords(snapshot=shard.snapshot, scope=_NOBODY, terms=("ready",), fields=(TextField.BODY,))
    shard.answer(step)
