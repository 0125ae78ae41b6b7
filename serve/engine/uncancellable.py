"""Work that is carried out to its end, whether or not who asked for it still waits.

Ray Serve cancels the request of a caller who has gone; a write must not end between its publication and its
record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class UncancellableWork:
    """Carries work out; runs in one event loop."""

    def __init__(self) -> None:
        self._begun: set[asyncio.Task[Any]] = set()

    async def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Return what the work returns; once begun it ends, also where this call is cancelled.

        Raises:
            Exception: what the work raised.
        """
        task = asyncio.create_task(work)
        self._begun.add(task)
        task.add_done_callback(self._end)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Wait until all that was begun has ended."""
        while self._begun:
            await asyncio.wait(self._begun)

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._begun.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, also where nobody waits for it any more
