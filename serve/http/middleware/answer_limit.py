"""Answers as they go out: a long one piece by piece, as its peer takes it, and bounded all together.

What a peer has not taken yet is held in memory, and a slow one takes its time. So one caller may have long
answers on their way as far as there is room, as with bodies of requests; the first one always goes.
"""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eagleray.errors import BodyRoomError
from serve.http.access import find_subject
from serve.http.errors.problems import answer_own
from serve.http.middleware.body_room import BodyRoom, HeldBody

PIECE_BYTES: Final = 64 << 10
"""Of an answer that are given to a connection at once; an answer of no more counts for nothing."""


class AnswerLimit:
    """Sends answers as fast as they are taken, and another one in the place of what finds no room.

    Args:
        app: answers in one message, or in many of `PIECE_BYTES` at most, which count for nothing.
        room: for the answers that are being sent.
    """

    def __init__(self, app: ASGIApp, *, room: BodyRoom) -> None:
        self._app, self._room = app, room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; see ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with self._room.enter(find_subject(scope)) as held:
            await self._app(scope, receive, _Answer(scope, receive, send, held=held).send)


class _Answer:
    """One answer on its way."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, held: HeldBody) -> None:
        self._scope, self._receive, self._send, self._held = scope, receive, send, held
        self._start: Message | None = None
        self._is_refused = False

    async def send(self, message: Message) -> None:
        """Send a message of the answer, its beginning with the first part of its body."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        body = message.get("body", b"")
        if self._is_refused or (len(body) > PIECE_BYTES and not await self._hold(len(body))):
            return
        if self._start is not None:
            await self._send(self._start)
            self._start = None
        last = max(len(body) - 1, 0) // PIECE_BYTES * PIECE_BYTES
        for place in range(0, last, PIECE_BYTES):
            piece = body[place : place + PIECE_BYTES]
            await self._send({**message, "body": piece, "more_body": True})
        await self._send({**message, "body": body[last:]})

    async def _hold(self, n_bytes: int) -> bool:
        """Return whether there is room for a body; where there is none, say when to try again."""
        try:
            self._held.take(n_bytes)
        except BodyRoomError as error:
            self._is_refused = True
            await answer_own(self._scope["path"], error)(self._scope, self._receive, self._send)
            return False
        return True
