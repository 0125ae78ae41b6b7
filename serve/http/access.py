"""What a route asks for: a caller whose role allows the action.

A route says by its parameters what it needs; `admission` reads it there and finds the caller before a body
is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.types import Scope

from eagleray.contracts.callers import Action, Authentication, Caller
from eagleray.errors import AuthenticationError, EagleRayError
from serve.engine.threads import Work, run_in_thread
from serve.identity.exposure import check_local

Authenticate = Callable[[str], Caller]
"""Says who shows a credential, the empty one too."""

CALLER: Final = "eagleray.caller"
"""Where a request's scope holds who asks."""

_BEARER: Final = HTTPBearer(auto_error=False, description="An API key or a token.")


def read_credential(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the key or token that headers show; empty where they show none.

    Args:
        headers: of a request, as ASGI gives them: names in lower case.

    Raises:
        AuthenticationError: they show two, or something else.
    """
    shown = [value.decode("latin-1").strip(" \t") for name, value in headers if name == b"authorization"]
    if not any(shown):
        return ""
    scheme, _, credential = shown[0].partition(" ")
    if len(shown) > 1 or scheme.lower() != "bearer":
        raise AuthenticationError(reason="kind_not_accepted")
    return credential.strip(" ")


async def identify(authenticate: Authenticate, scope: Scope) -> Caller:
    """Return who asks.

    Args:
        authenticate: says who shows a credential; called in a thread.
        scope: of the request.

    Raises:
        EagleRayError: it is not known, or cannot be found out now.
    """
    caller = await run_in_thread(Work.AUTHENTICATION, authenticate, read_credential(scope["headers"]))
    if caller.authentication is Authentication.DEVELOPMENT:
        request = Request(scope)
        headers = request.headers
        check_local(
            headers.get("host", ""), headers.get("origin", ""), site=headers.get("sec-fetch-site", "")
        )
    return caller


class _Require:
    """Names the action that a route needs a role for, and gives it the caller that was admitted.

    Args:
        action: that the caller must be allowed.
    """

    def __init__(self, action: Action) -> None:
        self.action = action

    async def __call__(
        self,
        request: Request,
        _: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],  # for the description
    ) -> Caller:
        """Return who asks."""
        caller: Caller = request.scope[CALLER]
        return caller


def find_subject(scope: Scope) -> str:
    """Return the name of who asks; `""` for a stranger."""
    caller: Caller | None = scope.get(CALLER)
    return "" if caller is None else caller.principal.subject


def find_action(dependant: Dependant) -> Action | None:
    """Return the action that a route's parameters need a role for; `None` where it is for everybody."""
    return next((found.action for found in _walk(dependant) if isinstance(found, _Require)), None)


def _walk(dependant: Dependant) -> Iterator[object]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _walk(inner)


async def _find_inspector(request: Request) -> Caller | None:
    try:
        caller = await identify(request.app.state.authenticate, request.scope)
    except EagleRayError:
        return None
    return caller if caller.may(Action.INSPECT) else None


Inspector = Annotated[Caller | None, Depends(_find_inspector)]
"""Who asks a route that is for everybody, where they may see more than others; never refused."""

require_inspecting: Final = _Require(Action.INSPECT)
Searching = Annotated[Caller, Depends(_Require(Action.SEARCH))]
Asking = Annotated[Caller, Depends(_Require(Action.ASK))]
Writing = Annotated[Caller, Depends(_Require(Action.INGEST))]
Inspecting = Annotated[Caller, Depends(require_inspecting)]
Operating = Annotated[Caller, Depends(_Require(Action.OPERATE))]
Publishing = Annotated[Caller, Depends(_Require(Action.PUBLISH))]
