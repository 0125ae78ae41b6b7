"""Bodies as they come in: bounded in length and in time, and long ones taken from known callers alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eagleray.errors import EagleRayError
from serve.http.problems import answer_own, make_error

MAX_BYTES: Final = 1 << 20
FREE_BYTES: Final = 64 << 10
"""Of a body that is read before it is known who sends it."""

TIMEOUT_S: Final = 30.0

Check = Callable[[Scope], Awaitable[None]]
"""Raises `EagleRayError` where it is not known who sends a request."""


class BodyLimit:
    """Refuses a body that is too long or too slow while it comes in, whatever its length was said to be.

    Args:
        app: gets what is short enough, whole.
        check: of who sends it, once it is longer than `FREE_BYTES`.
        longer: path -> bytes, where a body may be longer than `MAX_BYTES`.
        timeout_s: seconds a body may take to come.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        check: Check,
        longer: Mapping[str, int],
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._app, self._check, self._longer, self._timeout_s = app, check, longer, timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its whole body; see ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._timeout_s):
                body = await self._read(scope, receive)
        except TimeoutError:
            detail = f"the body did not come within {self._timeout_s:g} seconds"
            answer: Response = make_error(scope["path"], 408, "BodyTooSlowError", detail)
        except _TooLongError as error:
            detail = f"a body may have {error.max_bytes} bytes; this one has more"
            answer = make_error(scope["path"], 413, "BodyTooLongError", detail)
        except EagleRayError as error:
            answer = answer_own(scope["path"], error)
        else:
            if body is not None:
                await self._app(scope, _replay(body, receive), send)
            return
        answer.headers["connection"] = "close"  # the rest of the body would be read as the next request
        await answer(scope, receive, send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """Return the body; `None` where the caller has gone."""
        max_bytes = self._longer.get(scope["path"], MAX_BYTES)
        body, is_checked = bytearray(), False
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > max_bytes:
                raise _TooLongError(max_bytes)
            if len(body) > FREE_BYTES and not is_checked:
                await self._check(scope)
                is_checked = True
            if not message.get("more_body", False):
                return bytes(body)


class _TooLongError(Exception):
    """A body has more bytes than it may have."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes)
        self.max_bytes = max_bytes


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the whole body, and then what else comes."""
    is_given = False

    async def give() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give
