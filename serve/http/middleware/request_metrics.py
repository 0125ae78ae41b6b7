"""Measures requests from outside of the application, so that defects and refused bodies are counted, too."""

from __future__ import annotations

import time
from collections.abc import Sequence

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.http.metrics import OTHER, Metrics


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
