"""What waits in the queues of other processes, asked of every replica."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from ray.serve.exceptions import RayServeException

from serve.deployments.calling import detached
from serve.engine.coalescing import CoalescedCalls
from serve.engine.queue_states import QueueState, sum_queues

_TIMEOUT_S: Final = 2.0
"""Seconds a replica may take to say what waits: less than those who read metrics wait."""

_KEPT_S: Final = 1.0
"""Seconds an answer stands, so that many readers of metrics ask the replicas no more than one does."""


class RemoteQueues:
    """Asks all replicas of some deployments.

    Args:
        handles: of the deployments.
    """

    def __init__(self, handles: Sequence[Any]) -> None:
        self._handles = handles
        self._calls = CoalescedCalls(kept_s=_KEPT_S)

    async def read(self) -> tuple[QueueState, ...]:
        """Return what waits in each queue, as it was less than a second ago.

        A deployment whose replicas do not all answer in time is left out.
        """
        return await self._calls.ask("queues", self._ask_all)

    async def _ask_all(self) -> tuple[QueueState, ...]:
        told = await asyncio.gather(*map(_ask_replicas, self._handles))
        return sum_queues(state for states in told for state in states)


async def _ask_replicas(handle: Any) -> list[QueueState]:
    async def ask() -> list[Any]:
        asked = handle.broadcast("read_queues")
        found: list[Any] = await asked.results_async(timeout_s=_TIMEOUT_S, return_exceptions=True)
        return found

    try:
        told = await detached(ask)
    except (RayServeException, TimeoutError):
        return []
    return [state for states in told if not isinstance(states, BaseException) for state in states]
