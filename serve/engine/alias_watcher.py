"""Keeps the snapshot of an alias open, and changes it while questions go on.

A new snapshot is opened beside the old one and asked a question; only then do new requests get it. Requests
that began on the old one end on it. What cannot be opened changes nothing: the old one answers on, and the
state says what is wrong.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Generic

from eagleray.logs import get_logger
from serve.engine.snapshot_pool import Lease, Opened, SnapshotPool
from serve.engine.threads import Work, run_in_thread

_INTERVAL_S: Final = 0.25
_MAX_INTERVAL_S: Final = 5.0
"""Seconds between two looks while looking or opening fails: twice as many each time, up to these."""

_log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasState:
    """Where a process stands with its alias.

    Attributes:
        snapshot: whose answers new requests get.
        wanted: where the alias points, as far as it could be read.
        changed_at: seconds since the epoch, when new requests began to get this snapshot.
        read_at: seconds since the epoch, when the last reading of the alias began that named this snapshot; 0
            before there was one.
        error: why the wanted snapshot does not answer yet, or the alias was not read; empty if all is well.
    """

    snapshot: str
    wanted: str
    changed_at: float
    read_at: float = 0.0
    error: str = ""


class AliasWatcher(Generic[Opened]):
    """Follows one alias; runs in one event loop."""

    def __init__(
        self,
        pool: SnapshotPool[Opened],
        read_alias: Callable[[], str],
        *,
        probe: Callable[[Opened], object],
        interval_s: float = _INTERVAL_S,
    ) -> None:
        """Take the parts.

        Args:
            pool: opens snapshots.
            read_alias: returns the id the alias points to; called in a thread.
            probe: asks a new snapshot something, in a thread; if it raises, the snapshot does not answer.
            interval_s: seconds between two looks at the alias.
        """
        self._pool, self._read_alias, self._probe, self._interval_s = pool, read_alias, probe, interval_s
        self._state: AliasState | None = None
        self._looked_at, self._n_taken = time.monotonic(), 0
        self._notice, self._change = asyncio.Event(), asyncio.Event()
        self._is_told = False
        self._on_move: Callable[[], None] = _nothing
        self._watch: asyncio.Task[None] | None = None

    @property
    def state(self) -> AliasState:
        """Where it stands; there is none before `start`."""
        if self._state is None:
            raise RuntimeError("the watcher has not started")
        return self._state

    @property
    def lookup_age_s(self) -> float:
        """Seconds since the alias was last read; since this was made where it never was."""
        return time.monotonic() - self._looked_at

    @property
    def n_taken(self) -> int:
        """Snapshots that were taken up after the first."""
        return self._n_taken

    @property
    def opened(self) -> tuple[str, ...]:
        """Ids of the snapshots that are open."""
        return self._pool.opened

    async def start(self) -> None:
        """Open the alias's snapshot, and follow the alias from here on.

        Raises:
            EagleRayError: the alias cannot be read, or its snapshot not be opened or asked.
        """
        wanted = await self._look()
        await self._take(wanted)
        await self._catch_up(wanted)  # it may have moved while that was opened
        self._watch = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Stop following, and close every snapshot once its requests have ended."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        await self._pool.close()

    def notify(self, *, is_told: bool = False) -> None:
        """Look at the alias now: somebody says that it has moved, another server where `is_told`."""
        self._is_told |= is_told
        self._notice.set()

    async def take(self, snapshot: str, *, timeout_s: float) -> bool:
        """Look at the alias now; return whether new requests get this snapshot within some seconds.

        Args:
            snapshot: whole id, to which the alias has just moved.
            timeout_s: seconds to wait, at most; less where taking it fails.
        """
        self.notify()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.state.snapshot != snapshot and not self._fails_at(snapshot):
                    await self._change.wait()
        return self.state.snapshot == snapshot

    async def settle(self, snapshot: str, *, timeout_s: float) -> bool:
        """Look at the alias now; return whether new requests get in time this snapshot, or a later one.

        Args:
            snapshot: whole id, to which the alias has moved.
            timeout_s: seconds to wait, at most.
        """
        asked_at = time.time()
        self.notify()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.state.snapshot != snapshot and self.state.read_at < asked_at:
                    await self._change.wait()
        return self.state.snapshot == snapshot or self.state.read_at >= asked_at

    def watch(self, on_move: Callable[[], None]) -> None:
        """Have `on_move` called when the alias is found elsewhere, unless another server told so."""
        self._on_move = on_move

    async def lease(self, snapshot: str | None = None) -> Lease[Opened]:
        """Return a lease of the alias's snapshot, or of the one that a request names by its whole id.

        Raises:
            EagleRayError: the named snapshot cannot be opened.
        """
        return await self._pool.lease(snapshot or self.state.snapshot)

    async def _follow(self) -> None:
        wait_s = self._interval_s
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):  # `wait_for` would miss that it is cancelled
                    await self._notice.wait()
            self._notice.clear()
            is_well = await self._catch_up(self.state.wanted)
            wait_s = self._interval_s if is_well else min(2.0 * wait_s, _MAX_INTERVAL_S)

    async def _catch_up(self, wanted: str) -> bool:
        """Look at the alias, and take what it points to; return whether that went well.

        Args:
            wanted: where it pointed when it was last read.
        """
        is_told, self._is_told = self._is_told, False
        read_at = time.time()
        try:
            wanted = await self._look()
            if wanted != self.state.wanted and not is_told:
                self._on_move()
            if wanted != self.state.snapshot:
                await self._take(wanted)
                self._n_taken += 1
        except Exception as error:  # noqa: BLE001 - told by the state and the log; the old one answers on
            self._tell(replace(self.state, wanted=wanted, error=str(error)))
            _log.warning("snapshot_not_taken", snapshot=wanted, error=type(error).__name__)
            return False
        self._tell(replace(self.state, wanted=wanted, read_at=read_at, error=""))
        return True

    def _tell(self, state: AliasState) -> None:
        """Take a new state, and wake up who waits for one."""
        self._state = state
        self._change.set()
        self._change = asyncio.Event()

    def _fails_at(self, snapshot: str) -> bool:
        return self.state.wanted == snapshot and bool(self.state.error)

    async def _look(self) -> str:
        """Return where the alias points."""
        wanted = await run_in_thread(Work.FOLLOWING, self._read_alias)
        self._looked_at = time.monotonic()
        return wanted

    async def _take(self, snapshot: str) -> None:
        """Open a snapshot, ask it, and let new requests have it."""
        started = time.monotonic()
        lease = await self._pool.lease(snapshot, opening=Work.FOLLOWING)
        try:
            await run_in_thread(Work.FOLLOWING, self._probe, lease.engine)
            self._tell(AliasState(snapshot=snapshot, wanted=snapshot, changed_at=time.time()))
            self._pool.keep(snapshot)
        finally:
            lease.release()
        elapsed_s = round(time.monotonic() - started, 3)
        _log.info("snapshot_taken", snapshot=snapshot, elapsed_s=elapsed_s)


def _nothing() -> None:
    """Do nothing."""
