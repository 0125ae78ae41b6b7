"""Which snapshots the alias has come through, and which one says who may read them.

A caller who names a snapshot that the alias never pointed to, or was rolled back behind, is told that there
is none before anything of it is looked at: that takes what it takes for an id that nobody ever had.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.contracts.manifests import AliasEntry
from eagleray.errors import DeadlineError, NotPublishedError
from indexes.snapshots.aliases import follow_moves
from serve.engine.alias_watcher import AliasState
from serve.engine.threads import Work, run_in_thread

_KEPT_S: Final = 0.25
"""Seconds that what was read of the alias stands for those who ask for what is not among it."""

_BLOCK: Final = 256
"""Moves that are read at a time; they are kept, so that the next reader continues from there."""


class AliasStatePort(Protocol):
    """Knows where the answers stand with the alias; see `AliasWatcher`."""

    @property
    def state(self) -> AliasState:
        """Where they stand."""
        ...


class Publications:
    """Follows the moves of the served alias as far as requests need; runs in one event loop."""

    def __init__(
        self,
        watcher: AliasStatePort,
        *,
        find_last: Callable[[], int],
        read_moves: Callable[[int, int], Sequence[AliasEntry]],
        collection: str,
        timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the parts.

        Args:
            watcher: of the alias.
            find_last: returns the number of the alias's last move; called in a thread.
            read_moves: returns the moves with numbers above one and up to another; called in a thread.
            collection: its name, for errors.
            timeout_s: seconds that a request waits for what is read.
            clock: in seconds.
        """
        self._watcher, self._find_last, self._read_moves = watcher, find_last, read_moves
        self._collection, self._timeout_s, self._clock = collection, timeout_s, clock
        self._read_so_far: list[str] = []
        self._n_read = 0
        self._last_read: AliasEntry | None = None
        self._standing: list[str] = []
        self._published: frozenset[str] = frozenset()
        self._seen, self._read_at = "", -_KEPT_S
        self._reading = asyncio.Lock()

    async def find(self, snapshot: str, *, may_examine: bool) -> AskedSnapshot:
        """Return a snapshot as it is asked now: under the groups and zones of the alias's newest one.

        Args:
            snapshot: whole id.
            may_examine: whether the caller may see what the alias does not lead to.

        Raises:
            NotPublishedError: the alias did not come through it, whether or not there is one.
            DeadlineError: so many moves have to be read that it takes longer than a request waits.
        """
        try:
            async with asyncio.timeout(self._timeout_s), self._reading:
                if self._is_outdated(snapshot):
                    await self._read()
        except TimeoutError as error:
            raise DeadlineError(timeout_s=self._timeout_s) from error
        is_published = snapshot in self._published
        if not self._standing or not (is_published or may_examine):
            detail = f"collection {self._collection} has no such snapshot"
            raise NotPublishedError(name=snapshot, detail=detail)
        return AskedSnapshot(snapshot=snapshot, entitled_by=self._standing[-1], is_published=is_published)

    def _is_outdated(self, snapshot: str) -> bool:
        if self._watcher.state.snapshot != self._seen:
            return True
        return snapshot not in self._published and self._clock() - self._read_at >= _KEPT_S

    async def _read(self) -> None:
        seen, read_at = self._watcher.state.snapshot, self._clock()
        last = await run_in_thread(Work.FOLLOWING, self._find_last)
        if self._standing and not await self._is_same_log(last):
            self._read_so_far, self._n_read, self._last_read = [], 0, None
        while self._n_read < last:
            until = min(self._n_read + _BLOCK, last)
            moves = await run_in_thread(Work.FOLLOWING, self._read_moves, self._n_read, until)
            self._read_so_far, self._n_read = follow_moves(self._read_so_far, moves), until
            self._last_read = moves[-1]
        if self._standing is not self._read_so_far:
            self._standing, self._published = self._read_so_far, frozenset(self._read_so_far)
        self._seen, self._read_at = seen, read_at

    async def _is_same_log(self, last: int) -> bool:
        """Return whether the log has the move that was read last; a new collection has its own log."""
        if last < self._n_read:
            return False
        again = await run_in_thread(Work.FOLLOWING, self._read_moves, self._n_read - 1, self._n_read)
        return list(again) == [self._last_read]
