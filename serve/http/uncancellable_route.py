"""Routes that change something: carried out and recorded to the end, also where their caller has gone."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from serve.engine.uncancellable import UncancellableWork


class UncancellableRoute(APIRoute):
    """A route whose handler ends by itself; see `UncancellableWork`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler; FastAPI asks for it once."""
        handle = super().get_route_handler()

        async def complete(request: Request) -> Response:
            uncancellable: UncancellableWork = request.app.state.uncancellable
            return await uncancellable.run(handle(request))

        return complete
