"""What a route asks for: the application's parts, and a caller whose role allows the action."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from eagleray.contracts.callers import Action, Authentication, Caller
from eagleray.errors import ForbiddenError
from serve.engine.threads import Work, run_in_thread
from serve.http.serving import Serving
from serve.identity.exposure import check_local

_BEARER: Final = HTTPBearer(auto_error=False, description="An API key or a token.")


def read_credential(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the key or token that headers show; empty where they show none.

    Args:
        headers: of a request, as ASGI gives them: names in lower case.
    """
    shown = next((value for name, value in headers if name == b"authorization"), b"").decode("latin-1")
    scheme, _, credential = shown.partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else ""


class _Require:
    """Finds the caller of a request, and refuses one without a role for an action."""

    def __init__(self, action: Action) -> None:
        self._action = action

    async def __call__(
        self,
        request: Request,
        shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    ) -> Caller:
        """Return who asks."""
        credential = "" if shown is None else shown.credentials
        serving: Serving = request.app.state.serving
        caller = await run_in_thread(Work.AUTHENTICATION, serving.authenticate, credential)
        if caller.authentication is Authentication.DEVELOPMENT:
            check_local(request.headers.get("host", ""), request.headers.get("origin", ""))
        if not caller.may(self._action):
            raise ForbiddenError(action=str(self._action))
        await serving.quotas.requests.take(caller.principal.subject)
        return caller


async def _find_serving(request: Request) -> Serving:
    """Return what routes ask. Awaited, for FastAPI sends what is not to a thread."""
    serving: Serving = request.app.state.serving
    return serving


_require_inspecting: Final = _Require(Action.INSPECT)


async def check_metrics_reader(
    request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> None:
    """Refuse who may not read the metrics."""
    readers = request.app.state.serving.metrics_for
    if readers == "off":
        raise HTTPException(404)
    if readers == "callers":
        await _require_inspecting(request, shown)


Served = Annotated[Serving, Depends(_find_serving)]
Searching = Annotated[Caller, Depends(_Require(Action.SEARCH))]
Writing = Annotated[Caller, Depends(_Require(Action.INGEST))]
Inspecting = Annotated[Caller, Depends(_Require(Action.INSPECT))]
Operating = Annotated[Caller, Depends(_Require(Action.OPERATE))]
Publishing = Annotated[Caller, Depends(_Require(Action.PUBLISH))]
