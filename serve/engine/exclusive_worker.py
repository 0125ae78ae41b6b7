"""Long work beside searches: in a thread of its own, one piece at a time, never queued."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, Final, TypeVar

from eagleray.errors import OverloadedError
from serve.engine.threads import Work, run_in_thread

Result = TypeVar("Result")

_RETRY_S: Final = 5.0


class ExclusiveWorker:
    """Does one piece of work and refuses a second meanwhile; runs in one event loop."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="eagleray-long")
        self._is_busy = False

    async def run(self, work: Callable[[], Result]) -> Result:
        """Return what `work` returns; once begun it ends, whether or not anybody still waits.

        Args:
            work: runs in the thread, in the context of the caller.

        Raises:
            OverloadedError: another piece is being worked on; try again later.
            Exception: what `work` raised.
        """
        if self._is_busy:
            raise OverloadedError(waiting=1, retry_after_s=_RETRY_S)
        loop = asyncio.get_running_loop()
        done = loop.run_in_executor(self._pool, partial(copy_context().run, work))
        self._is_busy = True
        done.add_done_callback(self._end)
        return await asyncio.shield(done)

    async def close(self) -> None:
        """Wait for what is being worked on, and end the thread."""
        await run_in_thread(Work.CLOSING, self._pool.shutdown)

    def _end(self, done: asyncio.Future[Any]) -> None:
        self._is_busy = False
        if not done.cancelled():
            done.exception()  # looked at, also where nobody waits for it any more
