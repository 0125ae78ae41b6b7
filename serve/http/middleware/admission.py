"""Who may ask for what, told before a body is read and before anything of a request is checked but its head.

Somebody unknown gets one answer wherever they ask, whatever they send: they learn neither which paths there
are nor how their requests are read. Then come path, method, role and quota, in this order, and the body last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fastapi import params
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eagleray.contracts.callers import Action, Caller, describe_roles
from eagleray.errors import EagleRayError, ForbiddenError
from serve.engine.quotas import Quota
from serve.engine.threads import work_for
from serve.http.access import CALLER, Authenticate, find_action, identify
from serve.http.audited_stream import IS_HEAD
from serve.http.errors.problems import answer_own, make_error
from serve.http.middleware.observed_requests import find_template
from serve.http.middleware.refused_bodies import refuse
from serve.http.serving import ServedCollections

TAKES: Final = "eagleray.takes"
"""Where a request's scope holds the `BodyKind` that its route takes."""

_HOST: Final = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._~-]{1,255})(:[0-9]{0,5})?")
"""A name or an address, and a port. Source: RFC 9110, section 7.2; RFC 3986, section 3.2.2."""


class BodyKind(StrEnum):
    """What a route takes as a body."""

    NOTHING = "nothing"
    JSON = "json"
    FORM = "form"


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a method of a path needs.

    Attributes:
        action: that the caller must have a role for; `None` where it is for everybody.
        takes: as a body.
    """

    action: Action | None
    takes: BodyKind


def list_needs(routes: Sequence[BaseRoute]) -> dict[str, dict[str, Needs]]:
    """Return template of a path -> method -> what it needs; `HEAD` needs what `GET` does."""
    found: dict[str, dict[str, Needs]] = {}
    for route in routes:
        if not isinstance(route, Route):
            continue
        needs = Needs(action=None, takes=BodyKind.NOTHING)
        if isinstance(route, APIRoute):
            needs = Needs(action=find_action(route.dependant), takes=_find_kind(route))
        methods = found.setdefault(route.path, {})
        methods |= dict.fromkeys(route.methods or (), needs)
        if "GET" in methods:
            methods["HEAD"] = methods["GET"]
    return found


def _find_kind(route: APIRoute) -> BodyKind:
    if route.body_field is None:
        return BodyKind.NOTHING
    return BodyKind.FORM if isinstance(route.body_field.field_info, params.Form) else BodyKind.JSON


class Admission:
    """Lets requests in; what it lets in has a caller in its scope.

    `OPTIONS` is answered here, for every path alike, and `HEAD` is asked as `GET` whose body is left out.

    Args:
        app: answers what is let in.
        authenticate: knows the callers.
        quota: of the requests that each may make.
        collections: that are served.
        routes: of the application; complete before the first request.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        authenticate: Authenticate,
        quota: Quota,
        collections: ServedCollections,
        routes: Sequence[BaseRoute],
    ) -> None:
        self._app, self._authenticate, self._quota = app, authenticate, quota
        self._collections, self._routes = collections, routes
        self._needs = list_needs(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in or refuse it; see ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            answer = await self._check(scope)
        except EagleRayError as error:
            answer = answer_own(scope["path"], error)
        caller = scope.get(CALLER)
        work_for("" if caller is None else caller.principal.subject)
        if answer is not None:
            await refuse(answer, scope, receive, send)
        elif scope["method"] == "HEAD":
            await self._app({**scope, "method": "GET", IS_HEAD: True}, receive, _leave_out_body(send))
        else:
            await self._app(scope, receive, send)

    async def _check(self, scope: Scope) -> Response | None:
        """Return the answer to what is not let in."""
        path, method = scope["path"], scope["method"]
        if not _is_host_plain(scope):
            detail = "expected one header Host with a name or an address, and perhaps a port"
            return make_error(path, 400, "HostError", detail)
        methods = self._needs.get(find_template(self._routes, scope), {})
        needs = methods.get(method)
        asked = methods.values() if needs is None else (needs,)
        is_open = bool(methods) and all(found.action is None for found in asked)
        if not is_open:
            scope[CALLER] = await identify(self._authenticate, scope)
        if needs is None:
            return _answer_other(path, method, methods)
        scope[TAKES] = needs.takes
        if needs.action is not None:
            caller = scope[CALLER]
            if not caller.may(needs.action):
                raise ForbiddenError(action=str(needs.action), needs=describe_roles(needs.action))
            await self._quota.take(caller.principal.subject, collection=self._find_collection(path, caller))
        return None

    def _find_collection(self, path: str, caller: Caller) -> str:
        """Return the collection that a path is about; empty for none that the caller may see."""
        _, first, name, *_ = f"{path}//".split("/", 3)
        return name if first == "collections" and self._collections.is_seen(name, caller) else ""


def _is_host_plain(scope: Scope) -> bool:
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if not hosts:
        return scope.get("http_version", "1.0") in ("1.0", "2", "3")  # HTTP/1.1 alone must have one
    return len(hosts) == 1 and _HOST.fullmatch(hosts[0]) is not None


def _answer_other(path: str, method: str, methods: Mapping[str, Needs]) -> Response:
    """Answer a path that is not there, or that has not this method."""
    if not methods:
        return _answer_http(path, method, 404, "Not Found")
    allowed = {"allow": ", ".join(sorted({*methods, "OPTIONS"}))}
    if method == "OPTIONS":
        return Response(status_code=204, headers=allowed)
    answer = _answer_http(path, method, 405, "Method Not Allowed")
    answer.headers.update(allowed)
    return answer


def _answer_http(path: str, method: str, status: int, told: str) -> JSONResponse:
    return make_error(path, status, "HttpError", f"{method} {path}: {told}")


def _leave_out_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return send_head
