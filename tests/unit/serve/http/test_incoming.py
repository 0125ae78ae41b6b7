"""Bodies that come slowly, or from nobody known."""

from __future__ import annotations

import asyncio
import json

import pytest

from eagleray.errors import AuthenticationError
from serve.http.incoming import FREE_BYTES, MAX_BYTES, BodyLimit

PATH = "/collections/notes/search"


def send_parts(parts, *, is_known=True, pause_s=0.0, timeout_s=5.0):
    """Return status, answer, headers, what the application got, and how often the sender was checked."""
    got, sent, checks = [], [], []
    left = list(parts)

    async def app(scope, receive, send):
        got.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def check(scope):
        checks.append(scope["path"])
        if not is_known:
            raise AuthenticationError(reason="unknown_key", key_id="")

    async def receive():
        await asyncio.sleep(pause_s)
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    async def send(message):
        sent.append(message)

    limit = BodyLimit(app, check=check, longer={}, timeout_s=timeout_s)
    scope = {"type": "http", "path": PATH, "method": "POST", "headers": []}
    asyncio.run(limit(scope, receive, send))
    start, *rest = sent
    answer = json.loads(b"".join(message.get("body", b"") for message in rest))
    return start["status"], answer, dict(start["headers"]), got, len(checks)


def test_a_short_body_goes_on_whole_whoever_sends_it():
    status, _, _, got, n_checks = send_parts([b"a", b"", b"bc"], is_known=False)
    assert (status, got, n_checks) == (200, [b"abc"], 0)


def test_the_sender_of_a_long_body_is_checked_once():
    status, _, _, got, n_checks = send_parts([b"x" * FREE_BYTES, b"y", b"z"])
    assert (status, n_checks) == (200, 1)
    assert got == [b"x" * FREE_BYTES + b"yz"]


def test_a_long_body_of_an_unknown_sender_ends_there():
    status, answer, headers, got, _ = send_parts([b"x" * FREE_BYTES, b"y", b"z"], is_known=False)
    assert (status, got) == (401, [])
    assert answer["title"] == "Authentication"
    assert headers[b"connection"] == b"close"


@pytest.mark.parametrize("is_known", [True, False])
def test_a_body_that_is_too_long_is_refused(is_known):
    status, answer, _, got, _ = send_parts([b"x" * FREE_BYTES, b"y" * MAX_BYTES, b"z"], is_known=is_known)
    assert (status, got) == (413, [])
    assert str(MAX_BYTES) in answer["detail"]


def test_a_body_that_drips_is_told_so():
    status, answer, headers, got, _ = send_parts([b"x"] * 100, pause_s=0.01, timeout_s=0.1)
    assert (status, got) == (408, [])
    assert "0.1 seconds" in answer["detail"]
    assert headers[b"connection"] == b"close"
