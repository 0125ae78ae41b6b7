"""Group commit: requests that come while others are written are written together in the next round.

So many writers make few snapshots. Two requests for one document never share a round: the one that came
first is written first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from eagleray.errors import DeadlineError, EagleRayError, OverloadedError
from indexes.writing.requests import Write
from serve.engine.threads import Work, run_in_thread

MAX_DOCUMENTS: Final = 1_000
"""Documents of one round, unless its first request alone has more."""

Commit = Callable[[Sequence[Write]], Mapping[str, str]]
"""Carries out requests and returns name -> snapshot; called in a thread, one call at a time."""

_Waiting = tuple[Write, "asyncio.Future[str]"]


class GroupWriter:
    """Writes what requests ask for, in rounds.

    Args:
        commit: carries out a round.
        max_waiting: requests that may wait for one.
    """

    def __init__(self, commit: Commit, *, max_waiting: int = 256) -> None:
        self._commit = commit
        self._max_waiting = max_waiting
        self._waiting: list[_Waiting] = []
        self._rounds: asyncio.Task[None] | None = None

    @property
    def n_requests(self) -> int:
        """Requests that wait for a round."""
        return sum(not ended.done() for _, ended in self._waiting)

    @property
    def n_waiting(self) -> int:
        """Documents that wait for a round."""
        return sum(len(write.doc_ids) for write, ended in self._waiting if not ended.done())

    async def write(self, write: Write, *, timeout_s: float | None = None) -> str:
        """Return the id of the first snapshot that holds what the request asks for, once it is published.

        Args:
            write: the request.
            timeout_s: seconds it may take; `None` for as long as it does.

        Raises:
            OverloadedError: too many wait already.
            DeadlineError: its time was up. It is written all the same if its round had begun.
            EagleRayError: it could not be carried out; nothing of it is visible.
        """
        if len(self._waiting) >= self._max_waiting:
            raise OverloadedError(waiting=len(self._waiting), retry_after_s=1.0)
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((write, ended))
        if self._rounds is None or self._rounds.done():
            self._rounds = asyncio.create_task(self._run())
        try:
            async with asyncio.timeout(timeout_s):
                return await ended
        except TimeoutError as error:
            raise DeadlineError(timeout_s=timeout_s) from error

    async def close(self) -> None:
        """Wait until all that was asked for is written."""
        if self._rounds is not None:
            await self._rounds

    async def _run(self) -> None:
        while self._waiting:
            if taken := self._take():
                await self._carry_out(taken)

    def _take(self) -> list[_Waiting]:
        """Remove and return the requests of the next round, in the order they came."""
        taken: list[_Waiting] = []
        left: list[_Waiting] = []
        touched: set[str] = set()
        n_documents = 0
        for write, ended in self._waiting:
            if ended.done():
                continue  # nobody waits for it any more
            has_room = not taken or n_documents + len(write.doc_ids) <= MAX_DOCUMENTS
            if has_room and touched.isdisjoint(write.doc_ids):
                taken.append((write, ended))
                n_documents += len(write.doc_ids)
            else:
                left.append((write, ended))
            touched |= write.doc_ids
        self._waiting = left
        return taken

    async def _carry_out(self, taken: Sequence[_Waiting]) -> None:
        try:
            snapshots = await run_in_thread(Work.COMMITS, self._commit, [write for write, _ in taken])
        except Exception as error:  # noqa: BLE001 - told to those who wait, whatever it is
            is_of_one = len(taken) > 1 and not (isinstance(error, EagleRayError) and error.retryable)
            for item in taken:
                if is_of_one:
                    await self._carry_out([item])  # whose fault it is shows when each is alone
                elif not item[1].done():
                    item[1].set_exception(error)
            return
        for write, ended in taken:
            if not ended.done():
                ended.set_result(snapshots[write.begun.name])
