"""Answers that take time: recorded when they begin and once when they end, however that is.

A record of the beginning is stored before anything is given. What ends an answer is recorded whether it was
given whole, its caller went away or did not read it, or it failed half-way; where the process is killed, the
beginning stays without an end, and `eagleray audit` tells it as interrupted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from eagleray.contracts.asked_snapshots import AskedSnapshot, ask_own
from eagleray.contracts.callers import Action, Caller
from eagleray.logs import get_logger
from serve.audit.entries import CANCELLED, OK, SentAmount
from serve.audit.request_entries import EndedRequest
from serve.audit.request_recorder import BegunRequest, ReplyEnding, RequestRecorder
from serve.engine.threads import Work, run_in_thread
from serve.engine.uncancellable import UncancellableWork
from serve.http.request_ids import read_request_id
from serve.http.serving import ServedCollection

PIECE_BYTES: Final = 64 << 10
"""Of an answer that are given to a connection at once; the next ones wait until most of them are taken."""

IS_HEAD: Final = "eagleray.is_head"
"""In the scope of a request that is asked as `GET` and whose body is left out."""

_HEADERS: Final = {"cache-control": "no-store", "x-accel-buffering": "no"}

_log = get_logger()

FindSnapshot = Callable[[str], Awaitable[AskedSnapshot]]


class _CutReplyError(Exception):
    """Lets the server end a connection whose answer is not whole."""


class AuditedReply:
    """A reply while it is given: an async context, whose beginning and end are recorded.

    Attributes:
        snapshot: the one that is named, by the entitlements that rule it; `None` where the alias's answers.
    """

    def __init__(
        self,
        recorder: RequestRecorder,
        uncancellable: UncancellableWork,
        request: object,
        *,
        named: str = "",
        find_snapshot: FindSnapshot | None = None,
    ) -> None:
        """Take the parts; entering begins.

        Args:
            recorder: keeps the records.
            uncancellable: carries the end of a record out, also where the caller has gone.
            request: of a kind that is recorded.
            named: whole id of the snapshot that is named; empty for the alias's.
            find_snapshot: finds that snapshot, or refuses it.
        """
        self.snapshot = ask_own(named) if named else None
        self._recorder, self._uncancellable, self._request = recorder, uncancellable, request
        self._find_snapshot = find_snapshot
        self._request_id, self._started_ns = read_request_id(), time.perf_counter_ns()
        self._begun: asyncio.Future[BegunRequest] | None = None
        self._given: Any = None
        self._n_pieces, self._n_bytes = 0, 0
        self._is_ended = self._is_unread = False

    async def __aenter__(self) -> Self:
        """Record that the request has begun; when this returns, that is stored.

        Raises:
            EagleRayError: the snapshot is refused, or the request cannot be recorded.
        """
        if self._find_snapshot is not None and self.snapshot is not None:
            try:
                self.snapshot = await self._find_snapshot(self.snapshot.snapshot)
            except Exception as error:
                await run_in_thread(Work.AUDIT, self._recorder.record, [self._end_whole(error)])
                raise
        self._begun = asyncio.ensure_future(
            run_in_thread(
                Work.AUDIT,
                self._recorder.begin,
                self._request,
                snapshot=self.snapshot,
                request_id=self._request_id,
                started_ns=self._started_ns,
            )
        )
        try:
            await asyncio.shield(self._begun)
        except asyncio.CancelledError:
            await self._end(CANCELLED)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Record how the reply ended, unless it was recorded as whole."""
        if isinstance(error, asyncio.CancelledError):
            await self._end(CANCELLED)
        elif kind is not None:
            await self._end(kind.__name__)
        elif self._is_unread:
            await self._end(CANCELLED)
        elif not self._is_ended:
            await self._end(RuntimeError.__name__)
            raise RuntimeError("the reply has no end: expected a call of `end` with the whole of it")

    def update(self, reply: object) -> None:
        """Say what has been given so far, which is recorded where the reply ends half-way."""
        self._given = reply

    def count(self, n_bytes: int) -> None:
        """Count a piece that was given to the connection."""
        self._n_pieces, self._n_bytes = self._n_pieces + 1, self._n_bytes + n_bytes

    async def end(self, reply: object) -> None:
        """Record that all of a reply was given; what is given after this must say nothing more.

        Raises:
            AuditError: it cannot be recorded.
        """
        self.update(reply)
        await self._end(OK)

    async def fail(self, error: Exception) -> None:
        """Record that the reply ended with an error that its caller is told of.

        Raises:
            AuditError: it cannot be recorded.
        """
        await self._end(type(error).__name__)

    def leave_unread(self) -> None:
        """Say that nothing of the reply is given, however much of it is made: it ends as unread."""
        self._is_unread = True

    async def _end(self, status: str) -> None:
        if not self._is_ended and self._begun is not None:
            self._is_ended = True
            given = SentAmount(n_pieces=self._n_pieces, n_bytes=self._n_bytes)
            if self._is_unread and status == OK:
                status = CANCELLED
            reply = None if self._is_unread else self._given
            ending = ReplyEnding(status=status, reply=reply, given=given)
            await self._uncancellable.run(self._record_end(self._begun, ending))

    async def _record_end(self, begun: asyncio.Future[BegunRequest], ending: ReplyEnding) -> None:
        await run_in_thread(Work.AUDIT, self._recorder.end, await begun, ending)

    def _end_whole(self, error: Exception) -> EndedRequest:
        return EndedRequest(
            request=self._request,
            outcome=error,
            snapshot=self.snapshot,
            latency_us=(time.perf_counter_ns() - self._started_ns) // 1_000,
            request_id=self._request_id,
        )


class AuditedStream(Response):
    """An answer in pieces, given while they are made.

    What fails before the first piece is answered as any error; what fails later ends the connection, so that
    nobody takes the part for the whole. A caller who goes away, or who is sent away for not reading, ends the
    making of pieces. One who asks for the head alone is given nothing once the first piece is made.
    """

    media_type = "text/event-stream"

    def __init__(
        self, reply: AuditedReply, pieces: AsyncGenerator[bytes], *, media_type: str | None = None
    ) -> None:
        """Take the parts.

        Args:
            reply: that is given; its `end` is called where the last of it is made.
            pieces: of the answer.
            media_type: of the answer; server-sent events by default.
        """
        self.status_code, self.background = 200, None
        self.media_type = media_type or self.media_type
        self.init_headers(_HEADERS)
        self._reply, self._pieces = reply, pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give the answer, as long as somebody waits for it; see ASGI."""
        giving = asyncio.create_task(self._give(send, is_head=scope.get(IS_HEAD, False)))
        leaving = asyncio.create_task(_wait_until_gone(receive))
        try:
            await asyncio.wait((giving, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            giving.cancel()
            leaving.cancel()
            await asyncio.gather(giving, leaving, return_exceptions=True)
        if not giving.cancelled():
            giving.result()

    async def _give(self, send: Send, *, is_head: bool) -> None:
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        is_started = False
        if is_head:
            self._reply.leave_unread()
        try:
            async with self._reply, aclosing(self._pieces):
                async for piece in self._pieces:
                    if is_head:
                        break
                    if not is_started:
                        await send(start)
                        is_started = True
                    for place in range(0, len(piece), PIECE_BYTES):
                        part = piece[place : place + PIECE_BYTES]
                        await send({"type": "http.response.body", "body": part, "more_body": True})
                    self._reply.count(len(piece))
                    await asyncio.sleep(0)  # a connection that is gone takes all at once: let that be seen
        except Exception as error:
            if not is_started:
                raise
            _log.warning("reply_cut", error=type(error).__name__)
            raise _CutReplyError("the answer failed half-way; its record says why") from None
        if not is_started:
            await send(start)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def open_audited_reply(
    collection: ServedCollection,
    caller: Caller,
    request: object,
    *,
    uncancellable: UncancellableWork,
    snapshot: str = "",
) -> AuditedReply:
    """Return a reply to a request of a collection, not yet begun.

    Args:
        collection: that is asked; its log keeps the records.
        caller: who asks.
        request: of a kind that is recorded.
        uncancellable: of the server.
        snapshot: whole id of the one that is named; empty for the alias's.
    """
    find = partial(collection.publications.find, may_examine=caller.may(Action.EXAMINE))
    return AuditedReply(collection.recorder, uncancellable, request, named=snapshot, find_snapshot=find)


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
