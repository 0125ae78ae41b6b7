"""Requests of many callers that take turns at one thread; runs in one event loop.

A request waits with all of its items, and is refused where too many wait already. Turn by turn some of the
waiting items are computed, of whichever requests `begin` takes them from.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

from eagleray.errors import DeadlineError, OverloadedError
from serve.engine.threads import Work, read_caller, run_in_thread

_LEAST_RETRY_S: Final = 0.1
_SHARE: Final = 0.1
"""Weight of the last turn in the mean of what one item takes."""

_TIMES_FREE: Final = 3
"""How many times the room that is left the items of one caller may take: three quarters of all, if alone."""


@dataclass(slots=True, eq=False, kw_only=True)
class QueuedRequest:
    """A request; `left` are its items that still wait, `done` ends when all are computed or one failed."""

    left: list[Any]
    caller: str = field(default_factory=read_caller)
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def end(self, error: Exception | None = None) -> None:
        """End the wait, if it has not ended."""
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


Request = TypeVar("Request", bound=QueuedRequest)


class QueuedBatch(Protocol):
    """Items that are computed together; they wait no more."""

    @property
    def n_items(self) -> int:
        """How many."""
        ...

    @property
    def owners(self) -> Sequence[QueuedRequest]:
        """The requests they are of."""
        ...

    def compute(self) -> Any:
        """Compute them, in the thread."""
        ...

    def give(self, computed: Any) -> None:
        """Hand what was computed to the requests; end those that are complete."""
        ...


class BatchQueue(Generic[Request]):
    """Carries out turns, one at a time, as long as anything waits."""

    def __init__(
        self,
        begin: Callable[[Sequence[Request]], QueuedBatch],
        *,
        max_waiting: int,
        timeout_s: float,
        thread_name: str,
        leaves_room: bool = True,
    ) -> None:
        """Take the parts.

        Args:
            begin: takes items out of the requests' `left`, of the first request at least one.
            max_waiting: items that may wait; a request that would exceed it is refused.
            timeout_s: seconds a request may take, waiting included.
            thread_name: prefix of the thread's name.
            leaves_room: whether a second request of one caller is refused where others would find no room.
        """
        self._begin, self._max_waiting, self._timeout_s = begin, max_waiting, timeout_s
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=thread_name)
        self._requests: deque[Request] = deque()
        self._work: asyncio.Task[None] | None = None
        self._admitted: set[QueuedRequest] = set()
        self._n_waiting, self._leaves_room = 0, leaves_room
        self._mean_s = 0.0

    def __len__(self) -> int:
        """Return how many requests wait for a turn."""
        return len(self._requests)

    @property
    def n_waiting(self) -> int:
        """Items that wait for a turn."""
        return self._n_waiting

    @asynccontextmanager
    async def admit(self, request: Request, *, timeout_s: float | None = None) -> AsyncIterator[None]:
        """Let a request's items count as waiting for the length of a block, which may not take too long.

        Args:
            request: that the block readies, and waits for with `carry_out`.
            timeout_s: seconds the block may take; the limit where it is greater, or not given.

        Raises:
            OverloadedError: too many items wait; try again later.
            DeadlineError: its time was up.
        """
        if not self._has_room(request):
            retry_s = max(_LEAST_RETRY_S, self._mean_s * self._n_waiting)
            raise OverloadedError(waiting=self._n_waiting, retry_after_s=round(retry_s, 3))
        self._n_waiting += len(request.left)
        self._admitted.add(request)
        allowed_s = min(timeout_s or self._timeout_s, self._timeout_s)
        try:
            async with asyncio.timeout(allowed_s) as clock:
                yield
        except TimeoutError as error:
            if not clock.expired():
                raise
            raise DeadlineError(timeout_s=allowed_s) from error
        finally:
            self._drop(request)
            self._admitted.discard(request)

    async def carry_out(self, request: Request) -> None:
        """Wait until all items of a request that was admitted are computed.

        Raises:
            Exception: what computing one of them raised.
        """
        self._requests.append(request)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._work_on())
        await request.done

    async def close(self) -> None:
        """Wait for the turn at work, and end the thread."""
        for request in list(self._requests):
            request.done.cancel()
            self._drop(request)
        if self._work is not None:
            await self._work
        await run_in_thread(Work.CLOSING, self._pool.shutdown)

    def _has_room(self, request: QueuedRequest) -> bool:
        """Return whether a request's items may wait, too."""
        n_free = self._max_waiting - self._n_waiting - len(request.left)
        if n_free < 0 or not (self._leaves_room and request.caller):
            return n_free >= 0
        n_own = sum(len(other.left) for other in self._admitted if other.caller == request.caller)
        return not n_own or n_own + len(request.left) <= _TIMES_FREE * n_free

    def _drop(self, request: QueuedRequest) -> None:
        """Let no item of a request wait any more; doing it again does nothing."""
        self._n_waiting -= len(request.left)
        request.left.clear()
        self._keep_waiting()

    def _keep_waiting(self) -> None:
        self._requests = deque(request for request in self._requests if request.left)

    async def _work_on(self) -> None:
        loop = asyncio.get_running_loop()
        while self._requests:
            first, started = self._requests[0], loop.time()
            turn = self._begin(self._requests)
            self._n_waiting -= turn.n_items
            self._keep_waiting()
            try:
                turn.give(await loop.run_in_executor(self._pool, turn.compute))
            except Exception as error:  # noqa: BLE001 - it is the callers', who wait for it
                for request in turn.owners:
                    self._drop(request)
                    request.end(error)
            if self._requests and self._requests[0] is first:
                self._requests.rotate(-1)
            self._mean_s += _SHARE * ((loop.time() - started) / turn.n_items - self._mean_s)
