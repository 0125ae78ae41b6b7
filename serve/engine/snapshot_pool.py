"""The opened snapshots of a process: opened once, held while anybody asks them, closed when nobody does.

Everything here runs in one event loop; opening and closing, which read files, run in threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, Self, TypeVar

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.contracts.ports import SearchEngine
from serve.engine.threads import Work, run_in_thread

_MAX_IDLE: Final = 2


class OpenedSnapshot(Protocol):
    """What is opened of a snapshot, and can be let go of."""

    def under(self, asked: AskedSnapshot) -> Self:
        """Return what answers from it by the entitlements that rule it; called in threads."""
        ...

    def close(self) -> None:
        """Give back what it holds; nobody asks it any more."""
        ...


class Engine(SearchEngine, OpenedSnapshot, Protocol):
    """An engine that can be let go of."""


Opened = TypeVar("Opened", bound=OpenedSnapshot)


@dataclass(slots=True)
class _Held(Generic[Opened]):
    """A snapshot that is open, or being opened."""

    opening: asyncio.Task[Opened]
    n_leases: int = 0
    is_kept: bool = False


@dataclass(slots=True)
class Lease(Generic[Opened]):
    """The right to ask an engine until it is released; releasing it again does nothing.

    Attributes:
        engine: what was opened; open for as long as the lease is held.
    """

    engine: Opened
    _release: Callable[[], None]
    _is_held: bool = field(default=True)

    def release(self) -> None:
        """Let go of the engine."""
        if self._is_held:
            self._is_held = False
            self._release()


class SnapshotPool(Generic[Opened]):
    """Opens snapshots by id and closes the ones that nobody needs."""

    def __init__(self, open_engine: Callable[[str], Opened], *, max_idle: int = _MAX_IDLE) -> None:
        """Take what opens.

        Args:
            open_engine: id of a snapshot in, what is opened of it out; called in a thread, once for all who
                wait for the same snapshot.
            max_idle: snapshots that stay open although nobody asks them, the last used ones.
        """
        self._open_engine, self._max_idle = open_engine, max_idle
        self._held: dict[str, _Held[Opened]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def opened(self) -> tuple[str, ...]:
        """Ids of the snapshots that are open, the last used last."""
        return tuple(name for name, held in self._held.items() if held.opening.done())

    async def lease(self, snapshot: str, *, opening: Work = Work.OPENING) -> Lease[Opened]:
        """Return a lease of a snapshot's engine, opened if need be.

        Args:
            snapshot: whole id.
            opening: whose threads open it.

        Raises:
            Exception: what opening it raised; the next lease tries again.
        """
        held = self._held.get(snapshot)
        if held is None:
            task = asyncio.create_task(run_in_thread(opening, self._open_engine, snapshot))
            held = self._held[snapshot] = _Held(opening=task)
            task.add_done_callback(lambda _: self._drop_failed(snapshot, held))
        held.n_leases += 1
        try:
            engine = await asyncio.shield(held.opening)
        except BaseException:
            self._release(snapshot, held)
            raise
        return Lease(engine=engine, _release=lambda: self._release(snapshot, held))

    def keep(self, snapshot: str) -> None:
        """Keep this open snapshot, asked or not, in the place of the one kept so far."""
        for name, held in self._held.items():
            held.is_kept = name == snapshot
        self._tidy()

    async def close(self) -> None:
        """Close every snapshot, once nobody asks it any more."""
        self._max_idle = 0
        self.keep("")
        while self._held or self._closing:
            await asyncio.sleep(0.01)

    def _release(self, snapshot: str, held: _Held[Opened]) -> None:
        held.n_leases -= 1
        if not held.n_leases and self._held.get(snapshot) is held:
            self._held[snapshot] = self._held.pop(snapshot)  # the last used is the last to go
        self._tidy()

    def _drop_failed(self, snapshot: str, held: _Held[Opened]) -> None:
        opening = held.opening
        if (opening.cancelled() or opening.exception() is not None) and self._held.get(snapshot) is held:
            del self._held[snapshot]

    def _tidy(self) -> None:
        idle = [name for name, held in self._held.items() if not held.n_leases and not held.is_kept]
        for name in idle[: max(0, len(idle) - self._max_idle)]:
            closing = asyncio.create_task(_close(self._held.pop(name).opening))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)


async def _close(opening: asyncio.Task[Opened]) -> None:
    """Close an engine; one that nobody waited for any more may still be opening, or have failed to."""
    done, _ = await asyncio.wait([opening])
    for task in done:
        if not task.cancelled() and task.exception() is None:
            await run_in_thread(Work.OPENING, task.result().close)
