"""The collections open in a process: opened as they are named or found, closed as they are removed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, TypeVar

from eagleray.errors import NotPublishedError
from eagleray.logs import get_logger
from serve.engine.threads import Work, run_in_thread

Held = TypeVar("Held")

ALL: Final = "*"
"""Stands for every collection of the store."""

_LOOK_S: Final = 2.0
"""Seconds between two looks for collections that were published meanwhile."""

_MAX_PAUSE_S: Final = 60.0
"""Seconds until one that cannot be opened is tried again: twice as many each time, up to these."""

_GRACE_S: Final = 5.0
"""Seconds that what is asked of a collection gets to end after it was removed from the store."""

_log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionChoice:
    """Which collections are served.

    Attributes:
        default: what requests are about whose path names none.
        others: served beside it.
        is_all: whether all that the store has are served, also those published later; then none has to be
            there from the beginning.
    """

    default: str
    others: tuple[str, ...] = ()
    is_all: bool = False

    @property
    def named(self) -> tuple[str, ...]:
        """Those that must be there, each once."""
        return () if self.is_all else tuple(dict.fromkeys((self.default, *self.others)))


def read_choice(default: str, others: str) -> CollectionChoice:
    """Return which collections settings choose.

    Args:
        default: name of the first.
        others: words with spaces between, or `*`.
    """
    words = tuple(others.split())
    return CollectionChoice(default=default, others=words, is_all=ALL in words)


@dataclass(slots=True, kw_only=True)
class _Pause:
    """How long one that could not be opened is left alone."""

    until: float
    length_s: float


class CollectionPool(Generic[Held]):
    """Holds what is open of each collection; runs in one event loop."""

    def __init__(
        self,
        choice: CollectionChoice,
        open_one: Callable[[str], AbstractAsyncContextManager[Held]],
        *,
        list_published: Callable[[Collection[str]], Collection[str]],
        look_s: float = _LOOK_S,
        grace_s: float = _GRACE_S,
    ) -> None:
        """Take the parts.

        Args:
            choice: which collections may be opened.
            open_one: opens a collection by its name for the length of a block.
            list_published: returns the names of those that the store has published; of those that are known
                to be, it may say only that they are still there. Called in a thread.
            look_s: seconds between two looks at it.
            grace_s: seconds from a removal until what was open is closed.
        """
        self._choice, self._open_one, self._list_published = choice, open_one, list_published
        self._look_s, self._grace_s = look_s, grace_s
        self._opened: dict[str, Held] = {}
        self._pauses: dict[str, _Pause] = {}
        self._opening: dict[str, asyncio.Task[Held]] = {}
        self._stacks: dict[str, AsyncExitStack] = {}
        self._leaving, self._is_ending = set[asyncio.Task[None]](), asyncio.Event()
        self._watch: asyncio.Task[None] | None = None

    @property
    def opened(self) -> Mapping[str, Held]:
        """Name -> what is open, in the order of opening."""
        return self._opened

    @property
    def failing(self) -> frozenset[str]:
        """Names of published ones that could not be opened when last tried."""
        return frozenset(self._pauses)

    async def start(self) -> None:
        """Open what is named, or all that is published.

        From here on those that are removed are closed, and those of them, or of all, that are published later
        opened.

        Raises:
            EagleRayError: one that is named cannot be opened, or the store not be listed.
        """
        for name in self._choice.named:
            await self.obtain(name)
        if self._choice.is_all:
            await self._open_new(await self._look())
        self._watch = asyncio.create_task(self._follow(opens_new=True))

    def start_empty(self) -> None:
        """Open each when it is asked for; those that are removed are closed from here on."""
        self._watch = asyncio.create_task(self._follow(opens_new=False))

    async def obtain(self, name: str) -> Held:
        """Return what is open of a collection; it is opened if it was not.

        Raises:
            NotPublishedError: it is none of those that are served.
            EagleRayError: it cannot be opened.
        """
        if name in self._opened:
            return self._opened[name]
        if not self._choice.is_all and name not in self._choice.named:
            raise NotPublishedError(name=name, detail="there is no such collection here")
        opening = self._opening.get(name)
        if opening is None:
            opening = asyncio.create_task(self._open(name), context=Context())  # it is of no request
            self._opening[name] = opening
            opening.add_done_callback(partial(self._end, name))
        return await asyncio.shield(opening)

    async def close(self) -> None:
        """Close all of them; what one raises keeps no other from being closed.

        Raises:
            Exception: what closing raised last.
        """
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        if self._opening:
            await asyncio.wait(list(self._opening.values()))
        self._is_ending.set()
        if self._leaving:
            await asyncio.wait(self._leaving)
        async with AsyncExitStack() as stack:
            for one in self._stacks.values():
                stack.push_async_callback(one.aclose)

    async def _open(self, name: str) -> Held:
        started, stack = time.monotonic(), AsyncExitStack()
        held = await stack.enter_async_context(self._open_one(name))
        self._opened[name], self._stacks[name] = held, stack
        self._pauses.pop(name, None)
        _log.info("collection_opened", collection=name, elapsed_s=round(time.monotonic() - started, 3))
        return held

    def _end(self, name: str, opening: asyncio.Task[Held]) -> None:
        del self._opening[name]
        if not opening.cancelled():
            opening.exception()  # looked at, also where nobody waits for it any more

    async def _follow(self, *, opens_new: bool) -> None:
        while True:
            await asyncio.sleep(self._look_s)
            try:
                published = await self._look()
                if opens_new:
                    await self._open_new(published)
            except Exception as error:  # noqa: BLE001 - logged; those that are open answer on
                _log.warning("collections_not_listed", error=type(error).__name__)

    async def _look(self) -> set[str]:
        """Close what is not there any more, and return the names of what is published."""
        known = {*self._opened, *self._pauses}
        published = set(await run_in_thread(Work.FOLLOWING, self._list_published, known))
        for name in known - published:
            self._drop(name)
        return published if self._choice.is_all else published & {*self._choice.named}

    def _drop(self, name: str) -> None:
        """Have one that is not there any more found by nobody from now on, and close it a little later."""
        self._pauses.pop(name, None)
        if self._opened.pop(name, None) is None:
            return
        stack = self._stacks.pop(name)
        leaving = asyncio.create_task(self._close_later(name, stack))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
        _log.info("collection_removed", collection=name)

    async def _close_later(self, name: str, stack: AsyncExitStack) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._is_ending.wait(), self._grace_s)
        try:
            await stack.aclose()
        except Exception as error:  # noqa: BLE001 - logged; the others answer on
            _log.warning("collection_not_closed", collection=name, error=type(error).__name__)

    async def _open_new(self, published: Collection[str]) -> None:
        """Open what is not open; one that cannot be opened is left alone for a while."""
        now, default = time.monotonic(), self._choice.default
        for name in sorted(published, key=lambda found: (found != default, found)):
            pause = self._pauses.get(name)
            if name in self._opened or (pause is not None and now < pause.until):
                continue
            try:
                await self.obtain(name)
            except Exception as error:  # noqa: BLE001 - logged; the others are served all the same
                length_s = min(2.0 * (pause.length_s if pause else self._look_s), _MAX_PAUSE_S)
                self._pauses[name] = _Pause(until=time.monotonic() + length_s, length_s=length_s)
                _log.warning("collection_not_opened", collection=name, error=type(error).__name__)
