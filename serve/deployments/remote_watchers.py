"""Where the searchers of other processes stand with the aliases of their collections."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from ray.exceptions import RayActorError
from ray.serve.exceptions import RayServeException

from eagleray.errors import EagleRayError
from serve.deployments.calling import call, detached
from serve.deployments.searcher import Standing
from serve.engine.alias_watcher import AliasState

_GRACE_S: Final = 2.0
"""Seconds that a searcher's answer may take to come, beside those it waits itself."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """What a searcher said, and when, in seconds of the clock."""

    standing: Standing
    at: float


class Standings:
    """Asks the searchers where they stand, one of them each time, of all collections."""

    def __init__(self, handle: Any, *, interval_s: float, timeout_s: float) -> None:
        self._handle, self.interval_s, self._timeout_s = handle, interval_s, timeout_s
        self._heard: dict[str, _Heard] = {}
        self._watch: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Ask again and again from here on."""
        self._watch = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Ask no more."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch

    async def open(self, collection: str) -> RemoteAliasWatcher:
        """Have a searcher open a collection, if it has not, and return what knows its alias.

        Raises:
            EagleRayError: no searcher answers, or it cannot open it.
        """
        standing = await call(
            lambda _: self._handle.open.remote(collection), part="searcher", timeout_s=self._timeout_s
        )
        self._heard[collection] = _Heard(standing, time.monotonic())
        return RemoteAliasWatcher(self, collection)

    def find(self, collection: str) -> Standing:
        """Return what was last heard of a collection, its age counted up to now."""
        heard = self._heard[collection]
        age_s = heard.standing.lookup_age_s + time.monotonic() - heard.at
        return replace(heard.standing, lookup_age_s=age_s)

    async def settle(self, collection: str, snapshot: str, timeout_s: float) -> bool:
        """Tell every searcher to look now; return whether all that live say in time that they have."""

        async def ask_all() -> bool:
            asked = self._handle.broadcast("settle", collection, snapshot, timeout_s)
            told = await asked.results_async(timeout_s=timeout_s + _GRACE_S, return_exceptions=True)
            return all(found is True or isinstance(found, RayActorError) for found in told)

        try:
            return await detached(ask_all)
        except (RayServeException, TimeoutError):
            return False

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self.interval_s)
            try:
                told = await call(
                    lambda _: self._handle.stand.remote(), part="searcher", timeout_s=self._timeout_s
                )
            except EagleRayError as error:
                for name, heard in self._heard.items():
                    state = replace(heard.standing.state, error=str(error))
                    self._heard[name] = replace(heard, standing=replace(heard.standing, state=state))
                continue
            now = time.monotonic()
            self._heard |= {name: _Heard(told[name], now) for name in self._heard if name in told}


class RemoteAliasWatcher:
    """Knows where the searcher stood with a collection's alias that was asked last; see `AliasWatcher`."""

    def __init__(self, standings: Standings, collection: str) -> None:
        self._standings, self._collection = standings, collection

    @property
    def state(self) -> AliasState:
        """Where it stood."""
        return self._standings.find(self._collection).state

    @property
    def lookup_age_s(self) -> float:
        """Seconds since that searcher last read the alias."""
        return self._standings.find(self._collection).lookup_age_s

    @property
    def n_taken(self) -> int:
        """Snapshots that searcher took up after its first."""
        return self._standings.find(self._collection).n_taken

    async def take(self, snapshot: str, *, timeout_s: float) -> bool:
        """Return whether a searcher that is asked has this snapshot in time; searchers look by themselves."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.state.snapshot != snapshot:
                    await asyncio.sleep(self._standings.interval_s)
        return self.state.snapshot == snapshot

    async def settle(self, snapshot: str, *, timeout_s: float) -> bool:
        """Return whether every searcher that lives has this snapshot in time, or a later one."""
        return await self._standings.settle(self._collection, snapshot, timeout_s)
