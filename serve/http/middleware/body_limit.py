"""Bodies as they come in: of the kind that the route takes, bounded in length, in time and all together."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Final

from python_multipart.multipart import parse_options_header
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eagleray.errors import EagleRayError
from serve.engine.threads import Work, run_in_thread
from serve.http.access import find_subject
from serve.http.errors.problems import answer_own, make_error
from serve.http.middleware.admission import TAKES, BodyKind
from serve.http.middleware.body_room import BodyRoom, HeldBody
from serve.http.middleware.json_limits import JsonError, check_json
from serve.http.middleware.refused_bodies import refuse

MAX_BYTES: Final = 1 << 20
UNREAD_BYTES: Final = 64 << 10
"""Of a body that no route reads."""

_SHORT_BYTES: Final = 32 << 10
"""Of a body that is checked in the event loop; a longer one takes longer than others should wait."""

_PIECE_BYTES: Final = 128 << 10
"""Of a form that are read in one step of the event loop: some of it is gone through byte by byte."""

TIMEOUT_S: Final = 30.0


class BodyLimit:
    """Reads a body whole, and refuses one that is too long, too slow, too much or of another kind.

    Args:
        app: gets what is taken once it is whole, a form piece by piece.
        room: for the bodies of all requests.
        longer: path -> bytes, where a body may be longer than `MAX_BYTES`.
        timeout_s: seconds a body may take to come.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        room: BodyRoom,
        longer: Mapping[str, int],
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._app, self._room, self._longer, self._timeout_s = app, room, longer, timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its whole body; see ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with self._room.enter(find_subject(scope)) as held:
            taken = await self._take(scope, receive, held)
            if isinstance(taken, Response):
                await refuse(taken, scope, receive, send)
            elif taken is not None:
                piece_bytes = _PIECE_BYTES if scope[TAKES] is BodyKind.FORM else max(len(taken), 1)
                await self._app(scope, _replay(taken, receive, piece_bytes=piece_bytes), send)

    async def _take(self, scope: Scope, receive: Receive, held: HeldBody) -> bytes | Response | None:
        """Return the body, or the answer that refuses it; `None` where the caller has gone."""
        path = scope["path"]
        try:
            async with asyncio.timeout(self._timeout_s):
                body = await self._read(scope, receive, held)
            if not body:
                return body
            if scope[TAKES] is not BodyKind.JSON:
                return body
            if len(body) <= _SHORT_BYTES:
                return check_json(body)
            return await run_in_thread(Work.TEXTS, check_json, body)
        except TimeoutError:
            detail = f"the body did not come within {self._timeout_s:g} seconds"
            return make_error(path, 408, "BodyTooSlowError", detail)
        except _TooLongError as error:
            detail = f"a body may have {error.max_bytes} bytes; this one has more"
            return make_error(path, 413, "BodyTooLongError", detail)
        except _TypeError as error:
            return make_error(path, 415, "BodyTypeError", str(error))
        except JsonError as error:
            return make_error(path, 400, "BodyError", str(error))
        except EagleRayError as error:
            return answer_own(path, error)

    async def _read(self, scope: Scope, receive: Receive, held: HeldBody) -> bytes | None:
        """Return the body; `None` where the caller has gone."""
        headers, takes = dict(scope["headers"]), scope[TAKES]
        max_bytes = UNREAD_BYTES
        if takes is not BodyKind.NOTHING:
            max_bytes = self._longer.get(scope["path"], MAX_BYTES)
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > max_bytes:
            raise _TooLongError(max_bytes)
        if takes is not BodyKind.NOTHING and (b"transfer-encoding" in headers or length.strip(b"0")):
            _check_once(scope)
            _check_type(headers, takes)
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            part = message.get("body", b"")
            if len(body) + len(part) > max_bytes:
                raise _TooLongError(max_bytes)
            held.take(len(part))
            body += part
            if not message.get("more_body", False):
                return bytes(body)


class _TooLongError(Exception):
    """A body has more bytes than it may have."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes)
        self.max_bytes = max_bytes


class _TypeError(Exception):
    """A body is of a kind that the route does not take; says which it takes."""


def _check_once(scope: Scope) -> None:
    """Refuse what says twice what it is: who reads the first would take it for something else."""
    names = Counter(name for name, _ in scope["headers"])
    for name in (b"content-type", b"content-encoding"):
        if names[name] > 1:
            raise _TypeError(f"expected one header {name.decode()}, found {names[name]}")


def _check_type(headers: Mapping[bytes, bytes], takes: BodyKind) -> None:
    coding = headers.get(b"content-encoding", b"identity").strip().lower()
    if coding != b"identity":
        raise _TypeError("expected a body as it is, found one with a content-encoding; send it without")
    kind, options = parse_options_header(headers.get(b"content-type"))
    if takes is BodyKind.FORM:
        if kind != b"multipart/form-data" or not 1 <= len(options.get(b"boundary", b"")) <= 70:
            raise _TypeError(
                "expected content-type multipart/form-data with a boundary of 1 to 70 characters"
            )
        return
    is_json = kind == b"application/json" or (kind.startswith(b"application/") and kind.endswith(b"+json"))
    if not is_json or options.get(b"charset", b"utf-8").lower() not in (b"utf-8", b"utf8", b"us-ascii"):
        raise _TypeError("expected content-type application/json, in UTF-8")


def _replay(body: bytes, receive: Receive, *, piece_bytes: int) -> Receive:
    """Return a `receive` that gives the whole body in pieces, and then what else comes."""
    place, is_given = 0, False

    async def give() -> Message:
        nonlocal place, is_given
        if is_given:
            return await receive()
        if place:
            await asyncio.sleep(0)  # others have their turn between two pieces
        piece = body[place : place + piece_bytes]
        place += piece_bytes
        is_given = place >= len(body)
        return {"type": "http.request", "body": piece, "more_body": not is_given}

    return give
