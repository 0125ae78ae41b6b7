"""The application: routes, errors and a bound on bodies around one collection's engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.http import embeddings, operations, searches
from serve.http.measuring import Measured
from serve.http.openapi import describe_with
from serve.http.problems import install, make_error
from serve.http.request_ids import RequestIds
from serve.http.serving import Serving
from serve.http.traced import Traced

ROUTERS: Final = (operations.router, searches.router, embeddings.router)

MAX_BODY_BYTES: Final = 1 << 20

LONG_BODIES: Final = {embeddings.PATH: 8 << 20}
"""Bytes of a body where it may be longer: many texts come at once there."""


def make_app(
    serving: Serving, *, start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]]
) -> ASGIApp:
    """Return the application.

    Args:
        serving: what its routes ask.
        start: awaited before the first request.
        stop: awaited after the last one.
    """

    @asynccontextmanager
    async def live(_: FastAPI) -> AsyncIterator[None]:
        await start()
        try:
            yield
        finally:
            await stop()

    app = FastAPI(title="eagleray", version=version("eagleray"), lifespan=live, docs_url=None, redoc_url=None)
    install(app)
    app.state.serving = serving
    for router in ROUTERS:
        app.include_router(router)
    app.openapi = describe_with(app)  # type: ignore[method-assign]  # as FastAPI's own pages do it
    app.add_middleware(BodyLimit, max_bytes=MAX_BODY_BYTES, longer=LONG_BODIES)
    measured = Measured(app, metrics=serving.metrics, routes=app.routes)
    return RequestIds(Traced(measured, routes=app.routes))


class BodyLimit:
    """Refuses a body that is too long while it comes in, whatever its length was said to be.

    Args:
        app: gets what is short enough.
        max_bytes: of a body.
        longer: path -> bytes, where a body may be longer.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, longer: Mapping[str, int]) -> None:
        self._app, self._max_bytes, self._longer = app, max_bytes, longer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, its body counted; see ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        max_bytes = self._longer.get(path, self._max_bytes)
        body, is_whole = bytearray(), False
        while not is_whole:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            is_whole = not message.get("more_body", False)
            if len(body) > max_bytes:
                detail = f"a body may have {max_bytes} bytes; this one has more"
                await make_error(path, 413, "BodyTooLongError", detail)(scope, receive, send)
                return
        await self._app(scope, _replay(bytes(body), receive), send)


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
