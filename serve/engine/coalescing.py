"""Outcomes of calls that anybody may cause: those who ask within a moment share one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar, cast

Result = TypeVar("Result")

KEPT_S: Final = 0.25
"""Seconds an outcome stands for those who come after it."""


@dataclass(slots=True, kw_only=True)
class _Call:
    task: asyncio.Task[Any]
    ended_at: float | None = None


class CoalescedCalls:
    """Makes calls by name, one of a name at a time; runs in one event loop."""

    def __init__(self, *, kept_s: float = KEPT_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept_s, self._clock = kept_s, clock
        self._calls: dict[str, _Call] = {}

    async def ask(self, name: str, make: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Return the outcome of the call that runs, or has just ended; otherwise of a new one.

        Args:
            name: of the call; one of a few, for each is kept.
            make: makes the call; once begun it ends, whether or not anybody still waits.

        Raises:
            Exception: what the call raised.
        """
        call = self._calls.get(name)
        if call is None or self._is_over(call):
            call = self._calls[name] = _Call(task=asyncio.create_task(make()))
            call.task.add_done_callback(partial(self._end, call))
        return cast(Result, await asyncio.shield(call.task))

    def _is_over(self, call: _Call) -> bool:
        return call.ended_at is not None and self._clock() - call.ended_at >= self._kept_s

    def _end(self, call: _Call, done: asyncio.Task[Any]) -> None:
        call.ended_at = self._clock()
        if not done.cancelled():
            done.exception()  # looked at, also where nobody waits for it any more
