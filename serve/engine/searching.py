"""Answers searches: their queries embedded together, each asked of a snapshot, all within its time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.contracts.hits import SearchRequest, SearchResponse
from eagleray.contracts.ports import FloatVector
from eagleray.errors import DeadlineError
from indexes.searching.request_checks import check_request
from serve.engine.question_vectors import QuestionVectors, digest_readers
from serve.engine.questions import Search, SearchBatch, needs_vector
from serve.engine.search_threads import Answerer
from serve.engine.snapshot_pool import Engine

_TURN_S: Final = 0.25
"""Seconds after which the searches of a batch let others have the thread."""


class SearchPort(Protocol):
    """Answers searches, here or in other processes; see `Searches`."""

    async def answer(
        self, request: SearchRequest, *, snapshot: AskedSnapshot | None = None, timeout_s: float | None = None
    ) -> SearchResponse:
        """Return the answer of the alias's snapshot, or of the one that is named."""
        ...

    async def answer_all(
        self,
        requests: Sequence[SearchRequest],
        *,
        snapshot: AskedSnapshot | None = None,
        timeout_s: float | None = None,
    ) -> tuple[SearchResponse, ...]:
        """Return the answers of one snapshot, all or none."""
        ...


class Searches:
    """Answers searches of one collection; runs in one event loop."""

    def __init__(
        self, answerer: Answerer[Engine], vectors: QuestionVectors, *, timeout_s: float, collection: str = ""
    ) -> None:
        """Take the parts.

        Args:
            answerer: asks the snapshots.
            vectors: of queries.
            timeout_s: seconds a search may take, waiting and embedding included.
            collection: its name, by which vectors are remembered apart from those of others.
        """
        self._answerer, self._vectors, self._timeout_s = answerer, vectors, timeout_s
        self._collection = collection

    async def answer(
        self, request: SearchRequest, *, snapshot: AskedSnapshot | None = None, timeout_s: float | None = None
    ) -> SearchResponse:
        """Return the answer of the alias's snapshot, or of the one that is named.

        Args:
            request: the question.
            snapshot: that answers, and by which entitlements; `None` asks the alias's.
            timeout_s: seconds it may take; the limit where it is greater, or not given.

        Raises:
            OverloadedError: too many requests wait; try again later.
            DeadlineError: its time was up.
            EagleRayError: the request cannot be answered, or what answers failed.
        """
        (response,) = await self.answer_all((request,), snapshot=snapshot, timeout_s=timeout_s)
        return response

    async def answer_all(
        self,
        requests: Sequence[SearchRequest],
        *,
        snapshot: AskedSnapshot | None = None,
        timeout_s: float | None = None,
    ) -> tuple[SearchResponse, ...]:
        """Return the answers of one snapshot, all or none.

        Their queries are embedded one after the other: however many they are, they wait as one caller does.
        They are asked in turns of one thread, and between two of these others who wait get it.

        Args:
            requests: the questions.
            snapshot: that answers, and by which entitlements; `None` asks the alias's.
            timeout_s: seconds all may take together; the limit where it is greater, or not given.

        Raises:
            EagleRayError: as `answer`, of the first that cannot be answered.
        """
        for request in requests:
            check_request(request)
        allowed_s = min(timeout_s or self._timeout_s, self._timeout_s)
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + allowed_s

        def find_left_s() -> float:
            return max(ends_at - loop.time(), 1e-9)

        try:
            searches = [
                Search(request, await self._find_vector(request, find_left_s())) for request in requests
            ]
            responses: tuple[SearchResponse, ...] = ()
            while len(responses) < len(searches):
                batch = SearchBatch(tuple(searches[len(responses) :]), turn_s=_TURN_S)
                responses += await self._answerer.answer(
                    batch, snapshot=snapshot, timeout_s=find_left_s(), is_begun=bool(responses)
                )
                snapshot = snapshot or _name_own(responses[0])
            return responses
        except DeadlineError as error:
            raise DeadlineError(timeout_s=allowed_s) from error

    async def _find_vector(self, request: SearchRequest, timeout_s: float) -> FloatVector | None:
        if not needs_vector(request):
            return None
        principal = request.principal
        readers = digest_readers(self._collection, principal.groups, principal.zones)
        return await self._vectors.find(request.query, timeout_s=timeout_s, readers=readers)


def _name_own(response: SearchResponse) -> AskedSnapshot:
    """Return the snapshot of an answer of the alias's, as it is asked by its own entitlements."""
    snapshot = response.explanation.snapshot
    return AskedSnapshot(snapshot=snapshot, entitled_by=snapshot)


class ProbedSearches:
    """Answers the question that tells readiness in a thread of its own, however many others wait."""

    def __init__(self, searches: SearchPort, probing: Searches, *, probe: SearchRequest) -> None:
        """Take the parts.

        Args:
            searches: answers every other question.
            probing: answers the probe.
            probe: the question, of a principal that no caller is.
        """
        self._searches, self._probing, self._probe = searches, probing, probe

    async def answer(
        self, request: SearchRequest, *, snapshot: AskedSnapshot | None = None, timeout_s: float | None = None
    ) -> SearchResponse:
        """Return the answer of the alias's snapshot, or of the one that is named; see `Searches`.

        Raises:
            EagleRayError: as the searches below raise.
        """
        searches = self._probing if request == self._probe else self._searches
        return await searches.answer(request, snapshot=snapshot, timeout_s=timeout_s)

    async def answer_all(
        self,
        requests: Sequence[SearchRequest],
        *,
        snapshot: AskedSnapshot | None = None,
        timeout_s: float | None = None,
    ) -> tuple[SearchResponse, ...]:
        """Return the answers of one snapshot, all or none; see `Searches`.

        Raises:
            EagleRayError: as the searches below raise.
        """
        return await self._searches.answer_all(requests, snapshot=snapshot, timeout_s=timeout_s)
