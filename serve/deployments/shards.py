"""Shards of other processes: how a merger's threads reach them, and have them open a snapshot."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from eagleray.contracts.asked_snapshots import AskedSnapshot
from indexes.searching.sharded.shard import Step
from serve.deployments.calling import call

Answer = TypeVar("Answer")

_OPEN_S: Final = 600.0
"""Seconds that the shards may take to open a snapshot."""


class HandlePort:
    """Reaches any replica of one group of searchers; see `ShardPort`."""

    def __init__(
        self,
        handle: Any,
        collection: str,
        *,
        loop: asyncio.AbstractEventLoop,
        timeout_s: float,
        asked: AskedSnapshot | None = None,
    ) -> None:
        """Take the group.

        Args:
            handle: of its deployment.
            collection: that is searched.
            loop: in which it is called; threads that wait for answers are others.
            timeout_s: seconds a step may take.
            asked: by which entitlements the steps are answered; `None` for those of their snapshots.
        """
        self._handle, self._collection, self._loop = handle, collection, loop
        self._timeout_s, self._asked = timeout_s, asked

    def under(self, asked: AskedSnapshot) -> HandlePort:
        """Return a port to what answers as asked; see `ShardPort`."""
        return HandlePort(
            self._handle, self._collection, loop=self._loop, timeout_s=self._timeout_s, asked=asked
        )

    def answer(self, step: Step[Answer]) -> Future[Answer]:
        """Send the step to a replica, and to another one if that dies; see `ShardPort`."""
        work = call(
            lambda carrier: self._handle.answer.remote(
                self._collection, step, self._asked, self._timeout_s, carrier
            ),
            part="shard",
            timeout_s=self._timeout_s,
        )
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def open(self, snapshot: str) -> Future[str]:
        """Let a replica open a snapshot; others do when they are asked, or see the alias move."""
        work = call(
            lambda _: self._handle.open.remote(self._collection, snapshot), part="shard", timeout_s=_OPEN_S
        )
        return asyncio.run_coroutine_threadsafe(work, self._loop)
