"""Runs searches in threads: so many at once, a bounded number waiting, each with a deadline.

A thread cannot be interrupted. A request whose time is up is told so at once, but its thread keeps its place
and its snapshot until it has ended: places are what is really at work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, TypeVar

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.errors import DeadlineError, OverloadedError
from serve.engine.alias_watcher import AliasWatcher
from serve.engine.snapshot_pool import Lease, Opened
from serve.engine.threads import Work, run_in_thread
from serve.tracing.spans import span

Answer = TypeVar("Answer")

_LEAST_RETRY_S: Final = 0.1
_SHARE: Final = 0.1
"""Weight of the last request in the mean of what one takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswererLimits:
    """How much one process takes on.

    Attributes:
        n_threads: searches at work at once.
        max_waiting: requests that may wait for a thread; one more is refused.
        timeout_s: seconds a request may take, waiting included.
    """

    n_threads: int = 2
    max_waiting: int = 64
    timeout_s: float = 30.0


class SearchThreads:
    """The threads of a process that ask snapshots, of all its collections; used in one event loop."""

    def __init__(self, limits: AnswererLimits) -> None:
        self.limits: Final = limits
        self.pool: Final = ThreadPoolExecutor(limits.n_threads, thread_name_prefix="eagleray-search")
        self._places = asyncio.Semaphore(limits.n_threads)
        self._n_waiting, self._mean_s = 0, _LEAST_RETRY_S

    @property
    def n_waiting(self) -> int:
        """Requests that wait for a thread."""
        return self._n_waiting

    n_requests = n_waiting

    async def wait_for_place(self, *, is_begun: bool) -> None:
        """Wait until a thread is free, and take its place.

        Args:
            is_begun: whether a part of the request was answered already: it waits, however many others do.

        Raises:
            OverloadedError: too many requests wait; try again later.
        """
        if not is_begun and self._places.locked() and self._n_waiting >= self.limits.max_waiting:
            retry_s = max(_LEAST_RETRY_S, self._mean_s * (self._n_waiting + 1) / self.limits.n_threads)
            raise OverloadedError(waiting=self._n_waiting, retry_after_s=round(retry_s, 3))
        self._n_waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._n_waiting -= 1

    def release(self, *, took_s: float | None = None) -> None:
        """Give a place back, with the seconds that it was held for, if anything was asked."""
        self._places.release()
        if took_s is not None:
            self._mean_s += _SHARE * (took_s - self._mean_s)

    async def close(self) -> None:
        """Wait for what is at work, and end the threads."""
        await run_in_thread(Work.CLOSING, self.pool.shutdown)


class Answerer(Generic[Opened]):
    """Asks the followed snapshot, or the one a request names; runs in one event loop."""

    def __init__(self, watcher: AliasWatcher[Opened], threads: SearchThreads) -> None:
        self._watcher, self._threads = watcher, threads
        self._n_waiting, self._n_at_work = 0, 0

    @property
    def threads(self) -> SearchThreads:
        """What asks for it, and perhaps for others."""
        return self._threads

    @property
    def n_waiting(self) -> int:
        """Requests of this collection that wait for a thread."""
        return self._n_waiting

    @property
    def n_at_work(self) -> int:
        """Requests that hold a thread, also those whose time was up."""
        return self._n_at_work

    async def answer(
        self,
        ask: Callable[[Opened], Answer],
        *,
        snapshot: AskedSnapshot | None = None,
        timeout_s: float | None = None,
        is_begun: bool = False,
    ) -> Answer:
        """Return what `ask` makes of a snapshot's engine.

        Args:
            ask: asks one engine; runs in a thread, in the context of the caller.
            snapshot: that answers, and by which entitlements; `None` asks the alias's.
            timeout_s: seconds it may take; the limit where it is greater, or not given.
            is_begun: whether a part of the request was answered already: it waits, however many others do.

        Raises:
            OverloadedError: too many requests wait; try again later.
            DeadlineError: its time was up.
            EagleRayError: what `ask` raised, or opening the named snapshot.
        """
        most_s = self._threads.limits.timeout_s
        allowed_s = min(timeout_s or most_s, most_s)
        work: asyncio.Future[Answer] | None = None
        try:
            async with asyncio.timeout(allowed_s):
                with span("wait"):
                    await self._wait_for_place(is_begun=is_begun)
                with span("ask"):
                    work = await self._begin(ask, snapshot)
                    return await asyncio.shield(work)
        except TimeoutError as error:
            if work is not None and work.done():
                return work.result()  # its own error, or an answer in the last moment
            raise DeadlineError(timeout_s=allowed_s) from error

    async def _wait_for_place(self, *, is_begun: bool) -> None:
        self._n_waiting += 1
        try:
            await self._threads.wait_for_place(is_begun=is_begun)
        finally:
            self._n_waiting -= 1

    async def _begin(
        self, ask: Callable[[Opened], Answer], snapshot: AskedSnapshot | None
    ) -> asyncio.Future[Answer]:
        """Begin to ask; the place and the snapshot are given back when that has ended, however it ends."""
        loop, lease = asyncio.get_running_loop(), None
        try:
            lease = await self._watcher.lease(None if snapshot is None else snapshot.snapshot)
            asking = partial(_ask, ask, lease.engine, snapshot)
            work = loop.run_in_executor(self._threads.pool, partial(copy_context().run, asking))
        except BaseException:
            if lease is not None:
                lease.release()
            self._threads.release()
            raise
        self._n_at_work += 1
        work.add_done_callback(partial(self._end, lease, loop.time()))
        return work

    def _end(self, lease: Lease[Opened], started: float, work: asyncio.Future[Answer]) -> None:
        lease.release()
        self._threads.release(took_s=asyncio.get_running_loop().time() - started)
        self._n_at_work -= 1
        if not work.cancelled():
            work.exception()  # looked at, also where nobody waits for it any more


def _ask(ask: Callable[[Opened], Answer], opened: Opened, snapshot: AskedSnapshot | None) -> Answer:
    """Ask an engine, by the entitlements that rule its snapshot."""
    return ask(opened if snapshot is None else opened.under(snapshot))
