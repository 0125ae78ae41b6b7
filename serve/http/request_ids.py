"""Names of requests: the caller's own or a new one, in the answer, in the log's events and in the record."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars, get_contextvars

HEADER: Final = "x-request-id"
_KEY: Final = "request_id"
_PLAIN: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
"""What a caller's own may be: nothing that means something in a log, a page or a path."""


def choose_request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the name that the headers give, if they give one and it is plain; otherwise a new one.

    Args:
        headers: of a request, as ASGI gives them: names in lower case.
    """
    given = [value for name, value in headers if name == HEADER.encode()]
    if len(given) == 1 and _PLAIN.fullmatch(given[0]):
        return given[0].decode("ascii")
    return uuid.uuid4().hex


def read_request_id() -> str:
    """Return the name of the request that is being answered; empty where none is."""
    return str(get_contextvars().get(_KEY, ""))


class RequestIds:
    """Names each request. Stands around everything else, so that a defect's answer has a name, too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its name; see ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = choose_request_id(scope["headers"])

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with bound_contextvars(**{_KEY: request_id}):
            await self._app(scope, receive, send_named)


class NamedByProxy:
    """Leaves the name out of an answer where the proxy before the application writes it, too.

    Ray's proxy does: it gives each request a name that has none, and adds to the answer the first that a
    request has, plain or not.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; see ASGI."""
        written = next((value for name, value in scope.get("headers", ()) if name == HEADER.encode()), None)

        async def send_unnamed(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [pair for pair in message["headers"] if pair != (HEADER.encode(), written)]
                message = {**message, "headers": kept}
            await send(message)

        await self._app(scope, receive, send_unnamed)
