"""Answers searches: their queries embedded together, each asked of a snapshot, all within its time."""

from __future__ import annotations

import asyncio
from typing import Protocol

from eagleray.contracts.hits import SearchRequest, SearchResponse
from eagleray.errors import DeadlineError
from indexes.searching.checking import check_request
from serve.engine.answering import Answerer
from serve.engine.question_vectors import QuestionVectors
from serve.engine.questions import Search, needs_vector


class FindsHits(Protocol):
    """Answers searches, here or in other processes; see `Searches`."""

    async def answer(
        self, request: SearchRequest, *, snapshot: str | None = None, timeout_s: float | None = None
    ) -> SearchResponse:
        """Return the answer of the alias's snapshot, or of the one that is named."""
        ...


class Searches:
    """Answers searches of one collection; runs in one event loop."""

    def __init__(self, answerer: Answerer, vectors: QuestionVectors, *, timeout_s: float) -> None:
        """Take the parts.

        Args:
            answerer: asks the snapshots.
            vectors: of queries.
            timeout_s: seconds a search may take, waiting and embedding included.
        """
        self._answerer, self._vectors, self._timeout_s = answerer, vectors, timeout_s

    async def answer(
        self, request: SearchRequest, *, snapshot: str | None = None, timeout_s: float | None = None
    ) -> SearchResponse:
        """Return the answer of the alias's snapshot, or of the one that is named.

        Args:
            request: the question.
            snapshot: whole id; `None` asks the alias's.
            timeout_s: seconds it may take; the limit where it is greater, or not given.

        Raises:
            OverloadedError: too many requests wait; try again later.
            DeadlineError: its time was up.
            EagleRayError: the request cannot be answered, or what answers failed.
        """
        check_request(request)
        allowed_s = min(timeout_s or self._timeout_s, self._timeout_s)
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + allowed_s
        try:
            vector = None
            if needs_vector(request):
                vector = await self._vectors.find(request.query, timeout_s=allowed_s)
            left_s = max(ends_at - loop.time(), 1e-9)
            return await self._answerer.answer(Search(request, vector), snapshot=snapshot, timeout_s=left_s)
        except DeadlineError as error:
            raise DeadlineError(timeout_s=allowed_s) from error
