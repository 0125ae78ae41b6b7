"""Searchers, encoders, writers and queues of other processes, as routes ask those of this one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from ray.serve.exceptions import RayServeException

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.contracts.hits import SearchRequest, SearchResponse
from indexes.writing.requests import Write
from serve.deployments.calling import call, detached
from serve.engine.coalescing import CoalescedCalls
from serve.engine.encoding import Encoded, EncoderLimits
from serve.engine.queue_states import QueueState, sum_queues
from serve.engine.ranker import RankedPassages
from serve.engine.snapshot_pool import Engine

Answer = TypeVar("Answer")

_QUEUES_TIMEOUT_S: Final = 2.0
"""Seconds a replica may take to say what waits: less than those who read metrics wait."""

_QUEUES_KEPT_S: Final = 1.0
"""Seconds an answer stands, so that many readers of metrics ask the replicas no more than one does."""


class RemoteSearches:
    """Asks one of the searchers, which embeds the question itself."""

    def __init__(self, handle: Any, collection: str, *, timeout_s: float) -> None:
        self._handle, self._collection, self._timeout_s = handle, collection, timeout_s

    async def answer(
        self, request: SearchRequest, *, snapshot: AskedSnapshot | None = None, timeout_s: float | None = None
    ) -> SearchResponse:
        """Return a searcher's answer; see `Searches`.

        Raises:
            EagleRayError: as `call` says.
        """
        allowed_s = min(timeout_s or self._timeout_s, self._timeout_s)
        return await call(
            lambda carrier: self._handle.search.remote(
                self._collection, request, snapshot, allowed_s, carrier
            ),
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
            lambda carrier: self._handle.search_all.remote(
                self._collection, tuple(requests), snapshot, allowed_s, carrier
            ),
            part="searcher",
            timeout_s=allowed_s,
        )


class RemoteAnswerer:
    """Asks one of the searchers, or of the mergers where there are shards."""

    def __init__(self, handle: Any, collection: str, *, timeout_s: float) -> None:
        self._handle, self._collection, self._timeout_s = handle, collection, timeout_s
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
                lambda carrier: self._handle.answer.remote(
                    self._collection, ask, snapshot, allowed_s, carrier
                ),
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

    def __init__(self, handle: Any, collection: str, *, timeout_s: float) -> None:
        self._handle, self._collection, self._timeout_s = handle, collection, timeout_s

    async def write(self, write: Write) -> str:
        """Return the id of the first snapshot that holds what the request asks for.

        A writer that dies is replaced by another one where the request has a key: whether it is done can then
        be told. Without one it may be done already, and the caller has to decide.

        Raises:
            EagleRayError: as `call` says.
        """
        return await detached(
            lambda: call(
                lambda carrier: self._handle.write.remote(self._collection, write, self._timeout_s, carrier),
                part="writer",
                timeout_s=self._timeout_s,
                is_repeatable=write.begun.has_key,
            )
        )


class RemoteQueues:
    """Asks all replicas of some deployments.

    Args:
        handles: of the deployments.
    """

    def __init__(self, handles: Sequence[Any]) -> None:
        self._handles = handles
        self._calls = CoalescedCalls(kept_s=_QUEUES_KEPT_S)

    async def read(self) -> tuple[QueueState, ...]:
        """Return what waits in each queue, as it was less than a second ago.

        A deployment whose replicas do not all answer in time is left out.
        """
        return await self._calls.ask("queues", self._ask_all)

    async def _ask_all(self) -> tuple[QueueState, ...]:
        told = await asyncio.gather(*map(_ask_replicas, self._handles))
        return sum_queues(state for states in told for state in states)


async def _ask_replicas(handle: Any) -> list[QueueState]:
    async def ask() -> list[Any]:
        asked = handle.broadcast("read_queues")
        found: list[Any] = await asked.results_async(timeout_s=_QUEUES_TIMEOUT_S, return_exceptions=True)
        return found

    try:
        told = await detached(ask)
    except (RayServeException, TimeoutError):
        return []
    return [state for states in told if not isinstance(states, BaseException) for state in states]
