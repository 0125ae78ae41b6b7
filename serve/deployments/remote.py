"""Searchers, encoders and writers of other processes, in the shape that routes ask those of this one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from ray.exceptions import RayActorError
from ray.serve.exceptions import RayServeException

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.contracts.hits import SearchRequest, SearchResponse
from eagleray.errors import EagleRayError
from indexes.writing.requests import Write
from serve.deployments.calling import call, detached
from serve.deployments.searcher import Standing
from serve.engine.alias_watcher import AliasState
from serve.engine.encoding import Encoded, EncoderLimits
from serve.engine.reranking import RankedPassages
from serve.engine.snapshot_pool import Engine

Answer = TypeVar("Answer")

_GRACE_S: Final = 2.0
"""Seconds that a searcher's answer may take to come, beside those it waits itself."""


class RemoteSearches:
    """Asks one of the searchers, which embeds the question itself."""

    def __init__(self, handle: Any, *, timeout_s: float) -> None:
        self._handle, self._timeout_s = handle, timeout_s

    async def answer(
        self, request: SearchRequest, *, snapshot: AskedSnapshot | None = None, timeout_s: float | None = None
    ) -> SearchResponse:
        """Return a searcher's answer; see `Searches`.

        Raises:
            EagleRayError: as `call` says.
        """
        allowed_s = min(timeout_s or self._timeout_s, self._timeout_s)
        return await call(
            lambda carrier: self._handle.search.remote(request, snapshot, allowed_s, carrier),
            part="searcher",
            timeout_s=allowed_s,
        )

    async def answer_all(
        self,
        requests: Sequence[SearchRequest],
        *,
        snapshot: AskedSnapshot | None = None,
        timeout_s: float | None = None,
    ) -> tuple[SearchResponse, ...]:
        """Return the answers of one searcher; see `Searches`.

        Raises:
            EagleRayError: as `call` says.
        """
        allowed_s = min(timeout_s or self._timeout_s, self._timeout_s)
        return await call(
            lambda carrier: self._handle.search_all.remote(tuple(requests), snapshot, allowed_s, carrier),
            part="searcher",
            timeout_s=allowed_s,
        )


class RemoteAnswerer:
    """Asks one of the searchers, or of the mergers where there are shards."""

    def __init__(self, handle: Any, *, timeout_s: float) -> None:
        self._handle, self._timeout_s = handle, timeout_s
        self._n_at_work = 0

    @property
    def n_waiting(self) -> int:
        """None: those that wait do so at the searchers, and count as sent."""
        return 0

    @property
    def n_at_work(self) -> int:
        """Requests that were sent and have not ended."""
        return self._n_at_work

    async def answer(
        self,
        ask: Callable[[Engine], Answer],
        *,
        snapshot: AskedSnapshot | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        """Return a searcher's answer.

        Args:
            ask: asks one engine; is sent, so it must survive pickling.
            snapshot: that answers, and by which entitlements; `None` for what the searcher has of the alias.
            timeout_s: seconds it may take; the limit where it is greater, or not given.

        Raises:
            EagleRayError: as `call` says.
        """
        allowed_s = min(timeout_s or self._timeout_s, self._timeout_s)
        self._n_at_work += 1
        try:
            return await call(
                lambda carrier: self._handle.answer.remote(ask, snapshot, allowed_s, carrier),
                part="searcher",
                timeout_s=allowed_s,
            )
        finally:
            self._n_at_work -= 1


class RemoteEncoder:
    """Asks one of the encoders, for the vectors of questions or of passages."""

    def __init__(self, handle: Any, *, is_question: bool, limits: EncoderLimits) -> None:
        self._handle, self._is_question, self._limits = handle, is_question, limits

    @property
    def limits(self) -> EncoderLimits:
        """How much each of them takes on."""
        return self._limits

    async def encode(self, texts: Sequence[str], *, timeout_s: float | None = None) -> Encoded:
        """Return the vectors of texts.

        Raises:
            EagleRayError: as `call` says.
        """
        allowed_s = min(timeout_s or self._limits.timeout_s, self._limits.timeout_s)
        return await call(
            lambda carrier: self._handle.encode.remote(texts, self._is_question, allowed_s, carrier),
            part="encoder",
            timeout_s=allowed_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteEncoders:
    """See `EncodesTexts`."""

    passages: RemoteEncoder
    questions: RemoteEncoder


class RemoteRanker:
    """Asks one of the rankers."""

    def __init__(self, handle: Any, *, timeout_s: float) -> None:
        self._handle, self._timeout_s = handle, timeout_s

    async def rank(self, query: str, passages: Sequence[str], *, may_cut: bool) -> RankedPassages:
        """Return the scores of passages.

        Raises:
            EagleRayError: as `call` says.
        """
        return await call(
            lambda carrier: self._handle.rank.remote(query, passages, may_cut, carrier),
            part="ranker",
            timeout_s=self._timeout_s,
        )


class RemoteWriter:
    """Asks one of the writers."""

    def __init__(self, handle: Any, *, timeout_s: float) -> None:
        self._handle, self._timeout_s = handle, timeout_s

    async def write(self, write: Write) -> str:
        """Return the id of the first snapshot that holds what the request asks for.

        A writer that dies is replaced by another one where the request has a key: whether it is done can then
        be told. Without one it may be done already, and the caller has to decide.

        Raises:
            EagleRayError: as `call` says.
        """
        return await detached(
            lambda: call(
                lambda carrier: self._handle.write.remote(write, self._timeout_s, carrier),
                part="writer",
                timeout_s=self._timeout_s,
                is_repeatable=write.begun.has_key,
            )
        )


class RemoteFollower:
    """Asks the searchers where they stand, one of them each time; runs in one event loop."""

    def __init__(self, handle: Any, *, interval_s: float, timeout_s: float) -> None:
        self._handle, self._interval_s, self._timeout_s = handle, interval_s, timeout_s
        self._standing: Standing | None = None
        self._heard_at = time.monotonic()
        self._watch: asyncio.Task[None] | None = None

    @property
    def state(self) -> AliasState:
        """Where the searcher stood that was asked last; there is none before `start`."""
        return self._last.state

    @property
    def lookup_age_s(self) -> float:
        """Seconds since that searcher last read the alias."""
        return self._last.lookup_age_s + time.monotonic() - self._heard_at

    @property
    def n_taken(self) -> int:
        """Snapshots that searcher took up after its first."""
        return self._last.n_taken

    async def start(self) -> None:
        """Ask once, and again and again from here on.

        Raises:
            EagleRayError: no searcher answers.
        """
        await self._look()
        self._watch = asyncio.create_task(self._follow())

    async def take(self, snapshot: str, *, timeout_s: float) -> bool:
        """Return whether a searcher that is asked has this snapshot in time; searchers look by themselves."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.state.snapshot != snapshot:
                    await asyncio.sleep(self._interval_s)
        return self.state.snapshot == snapshot

    async def settle(self, snapshot: str, *, timeout_s: float) -> bool:
        """Tell every searcher to look now; return whether all that live answer in time."""

        async def ask_all() -> bool:
            asked = self._handle.broadcast("settle", snapshot, timeout_s)
            told = await asked.results_async(timeout_s=timeout_s + _GRACE_S, return_exceptions=True)
            return all(found is True or isinstance(found, RayActorError) for found in told)

        try:
            return await detached(ask_all)
        except (RayServeException, TimeoutError):
            return False

    async def close(self) -> None:
        """Ask no more."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch

    @property
    def _last(self) -> Standing:
        if self._standing is None:
            raise RuntimeError("the watcher has not started")
        return self._standing

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                await self._look()
            except EagleRayError as error:
                last = self._last
                self._standing = replace(last, state=replace(last.state, error=str(error)))

    async def _look(self) -> None:
        self._standing = await call(
            lambda _: self._handle.stand.remote(), part="searcher", timeout_s=self._timeout_s
        )
        self._heard_at = time.monotonic()
