"""Answers to requests whose body is not wanted: what of it still comes is dropped, and the answer arrives.

A connection that is closed while its peer still sends is reset, and with it goes the answer that the peer had
not read yet. So a short rest of a body is read before the answer, and a long one for a while after it.

Source: RFC 9112, section 9.6 (tear-down).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

_SHORT_BYTES: Final = 64 << 10
_SHORT_S: Final = 0.2
"""In which the rest of a short body comes that is on its way already."""

_LONG_BYTES: Final = 64 << 20
_LONG_S: Final = 2.0


async def refuse(answer: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer; the connection stays where the request was read to its end, and is closed otherwise.

    Args:
        answer: whole, not streamed.
        scope: of the request; see ASGI.
        receive: gives what has not been read of its body.
        send: takes the answer.
    """
    waits = any(name == b"expect" for name, _ in scope["headers"])  # nothing is sent before it is asked for
    if not waits and await _drop(receive, n_bytes=_SHORT_BYTES, seconds=_SHORT_S):
        await answer(scope, receive, send)
        return
    answer.headers["connection"] = "close"

    async def send_open(message: Message) -> None:
        await send({**message, "more_body": True} if message["type"] == "http.response.body" else message)

    await answer(scope, receive, send_open)
    if not waits:
        await _drop(receive, n_bytes=_LONG_BYTES, seconds=_LONG_S)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drop(receive: Receive, *, n_bytes: int, seconds: float) -> bool:
    """Read on for so many bytes and seconds at most, and return whether the body has ended."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while n_bytes > 0:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return True
                n_bytes -= len(message.get("body", b""))
    return False
