"""The threads that searches of one snapshot share, so that a search goes through several segments at once.

The searching thread works itself, on what no other thread has taken yet, and never waits for one that has
not begun; so searches that share a few threads all come to an end, however many they are. Results come in
the order of the segments, and a failure is the one that going through them one by one would have met.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Final, Generic, TypeVar

Part = TypeVar("Part")
Found = TypeVar("Found")


class SegmentThreads:
    """Calls a function for every segment; safe to share between threads.

    Its threads begin with the first search that can use them, and end when it is closed, or when nobody
    holds it any more.
    """

    def __init__(self, n_threads: int = 1) -> None:
        """Take a number of threads.

        Args:
            n_threads: that one search may use, its own with them; with 1 there are no others.
        """
        self._n_threads = n_threads
        self._pool: ThreadPoolExecutor | None = None
        if n_threads > 1:
            self._pool = ThreadPoolExecutor(n_threads - 1, thread_name_prefix="eagleray-segment")

    def map(self, task: Callable[[Part], Found], parts: Sequence[Part]) -> list[Found]:
        """Return what the task returns for each part, in their order.

        Args:
            task: safe to call from several threads at once.
            parts: one a segment.

        Raises:
            Exception: what the task raised, for the first part it failed for.
        """
        pool, n_others = self._pool, min(self._n_threads, len(parts)) - 1
        if pool is None or n_others < 1:
            return [task(part) for part in parts]
        shared = _Shared(task, parts)
        others = _send(pool, shared.work, n_others)
        shared.work()
        for other in others:
            if not other.cancel():
                other.result()
        return shared.finish()

    def close(self) -> None:
        """End the threads; searches that go on, or come later, use their own alone."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()


class _Shared(Generic[Part, Found]):
    """Parts that several threads take one by one, in their order."""

    def __init__(self, task: Callable[[Part], Found], parts: Sequence[Part]) -> None:
        self._task, self._parts = task, parts
        self._left = deque(range(len(parts)))
        self._found: dict[int, Found] = {}
        self._failed: dict[int, BaseException] = {}

    def work(self) -> None:
        """Take parts until none is left; after a failure nothing more is taken."""
        while True:
            try:
                number = self._left.popleft()
            except IndexError:
                return
            try:
                self._found[number] = self._task(self._parts[number])
            except BaseException as error:  # noqa: BLE001 - `finish` raises it where it is waited for
                self._failed[number] = error
                self._left.clear()

    def finish(self) -> list[Found]:
        """Return the results in the order of the parts, or raise the first failure in that order."""
        if self._failed:
            raise self._failed[min(self._failed)]
        return [self._found[number] for number in range(len(self._parts))]


def _send(pool: ThreadPoolExecutor, work: Callable[[], None], n: int) -> list[Future[None]]:
    """Return the calls that other threads may take over; none of a pool that is closed."""
    sent: list[Future[None]] = []
    with suppress(RuntimeError):  # somebody has closed it meanwhile: the caller does what is left
        for _ in range(n):
            sent.append(pool.submit(work))
    return sent


IN_TURN: Final = SegmentThreads()
"""One segment after the other, in the caller's thread."""
