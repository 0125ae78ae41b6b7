"""Makes a span of each request, within its caller's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.http.middleware.request_metrics import find_template
from serve.http.request_ids import read_request_id
from serve.tracing.spans import span_of_request

_QUIET: Final = frozenset({"/health/live", "/health/ready", "/metrics"})
"""Asked every few seconds by machines: they would drown the others."""

_PROPAGATED: Final = frozenset({b"traceparent", b"tracestate"})


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
