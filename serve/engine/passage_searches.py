"""The searches of one answer: all of one snapshot, together within its time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from eagleray.contracts.asked_snapshots import AskedSnapshot, ask_own
from eagleray.contracts.hits import SearchRequest, SearchResponse
from eagleray.errors import DeadlineError
from serve.engine.searching import SearchPort
from serve.engine.threads import Work, run_in_thread

Result = TypeVar("Result")


class PassageSearches:
    """Searches for one answer; for one event loop."""

    def __init__(
        self,
        searches: SearchPort,
        *,
        collection: str,
        snapshot: AskedSnapshot | None,
        timeout_s: float | None,
    ) -> None:
        """Take the parts; its time begins now.

        Args:
            searches: of the collection.
            collection: its name.
            snapshot: that is named; `None` asks the alias's, and then the same one again.
            timeout_s: seconds for the answer; `None` leaves each search the limit of the server.
        """
        self._searches, self._collection = searches, collection
        self._snapshot, self._timeout_s = snapshot, timeout_s
        self._ends_at = None if timeout_s is None else asyncio.get_running_loop().time() + timeout_s

    @property
    def collection(self) -> str:
        """Name of the collection that is searched."""
        return self._collection

    def find_left_s(self) -> float | None:
        """Return the seconds that are left for the answer; `None` where it has no limit of its own."""
        return None if self._ends_at is None else self._ends_at - asyncio.get_running_loop().time()

    async def search(self, request: SearchRequest) -> SearchResponse:
        """Return the hits of a question.

        Raises:
            DeadlineError: the time of the answer is over.
            EagleRayError: the search failed.
        """
        left_s = self.find_left_s()
        if left_s is not None and left_s <= 0.0:
            raise DeadlineError(timeout_s=self._timeout_s)
        found = await self._searches.answer(request, snapshot=self._snapshot, timeout_s=left_s)
        self._snapshot = self._snapshot or ask_own(found.explanation.snapshot)
        return found

    async def compute(self, work: Callable[[], Result]) -> Result:
        """Return what work gives, done in a thread."""
        return await run_in_thread(Work.TEXTS, work)
