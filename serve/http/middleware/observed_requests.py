"""Requests seen from outside of the application: counted, also defects and refused bodies, and traced."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.http.metrics import OTHER, Metrics
from serve.http.request_ids import read_request_id
from serve.tracing.spans import span_of_request

_QUIET: Final = frozenset({"/health/live", "/health/ready", "/metrics"})
"""Asked every few seconds by machines: they would drown the others."""

_PROPAGATED: Final = frozenset({b"traceparent", b"tracestate"})


def find_template(routes: Sequence[BaseRoute], scope: Scope) -> str:
    """Return the template of the route that has the request's path, whatever its method, or `OTHER`."""
    for route in routes:
        if route.matches(scope)[0] is not Match.NONE:
            return str(getattr(route, "path", OTHER))
    return OTHER


class Measured:
    """Counts each answer by route, method and status. One that the caller did not wait for is not counted."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, routes: Sequence[BaseRoute]) -> None:
        """Take the parts.

        Args:
            app: that answers.
            metrics: that count.
            routes: of the application.
        """
        self._app, self._metrics, self._routes = app, metrics, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count its answer; see ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        route, started, status = find_template(self._routes, scope), time.perf_counter(), 0

        async def send_seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_seen)
        finally:
            if status:
                elapsed_s = time.perf_counter() - started
                self._metrics.count_request(
                    route=route, method=scope["method"], status=status, elapsed_s=elapsed_s
                )


class Traced:
    """Stands within `RequestIds`, so that a span has the request's name.

    Args:
        app: that answers.
        routes: of the application.
    """

    def __init__(self, app: ASGIApp, *, routes: Sequence[BaseRoute]) -> None:
        self._app, self._routes = app, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on within a span; see ASGI. A query string may hold text: it is left out."""
        if scope["type"] != "http" or scope["path"] in _QUIET:
            await self._app(scope, receive, send)
            return
        route, method = find_template(self._routes, scope), scope["method"]
        told = {
            "http.request.method": method,
            "http.route": route,
            "url.scheme": scope["scheme"],
            "eagleray.request_id": read_request_id(),
        }
        carried = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in _PROPAGATED
        }
        with span_of_request(f"{method} {route}", carried, told) as made:

            async def send_seen(message: Message) -> None:
                if message["type"] == "http.response.start":
                    made.set_attribute("http.response.status_code", message["status"])
                await send(message)

            await self._app(scope, receive, send_seen)
