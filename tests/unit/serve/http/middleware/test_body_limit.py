"""Bodies that are long, slow, of another kind, or too much for all of them together."""

from __future__ import annotations

import asyncio
import json

import pytest

from eagleray.testing.fakes import ManualClock
from serve.http.middleware.admission import TAKES, BodyKind
from serve.http.middleware.body_limit import MAX_BYTES, UNREAD_BYTES, BodyLimit
from serve.http.middleware.body_room import BodyRoom
from tests.waiting import run_by

PATH = "/collections/notes/search"
JSON = (b"content-type", b"application/json")
FORM = (b"content-type", b"multipart/form-data; boundary=b")


def send_parts(parts, *headers, takes=BodyKind.JSON, room=None, pause_s=0.0, timeout_s=5.0):
    """Return status, answer, headers, and what the application got."""
    got, sent, clock = [], [], ManualClock()
    left = list(parts)

    async def app(scope, receive, send):
        got.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def receive():
        if not left:
            return {"type": "http.disconnect"}
        clock.advance(pause_s)
        await asyncio.sleep(0)
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    async def send(message):
        sent.append(message)

    limit = BodyLimit(app, room=room or BodyRoom(1 << 30), longer={}, timeout_s=timeout_s)
    named = [(b"transfer-encoding", b"chunked"), *headers]
    scope = {"type": "http", "path": PATH, "method": "POST", "headers": named, TAKES: takes}
    run_by(clock, limit(scope, receive, send))
    start, *rest = sent
    answer = json.loads(b"".join(message.get("body", b"") for message in rest))
    assert not rest[-1].get("more_body", False)
    return start["status"], answer, dict(start["headers"]), got


@pytest.mark.parametrize("other", [FORM, JSON, (b"content-type", b"application/x-www-form-urlencoded")])
def test_a_body_that_says_twice_what_it_is_is_refused(other):
    for first, second in ((FORM, other), (other, FORM)):
        status, answer, _, got = send_parts([b"&" * 100], first, second, takes=BodyKind.FORM)
        assert (status, got) == (415, [])
        assert "one header content-type" in answer["detail"]


def test_a_body_goes_on_whole():
    assert send_parts([b'{"a"', b"", b": 1}"], JSON)[::3] == (200, [b'{"a": 1}'])


@pytest.mark.parametrize("first", [b"x", b"x" * MAX_BYTES])
def test_a_body_that_is_too_long_is_refused(first):
    status, answer, headers, got = send_parts([first, b"y" * MAX_BYTES, *[b"z" * 9_000] * 90], JSON)
    assert (status, got) == (413, [])
    assert str(MAX_BYTES) in answer["detail"]
    assert headers[b"connection"] == b"close"


def test_a_body_that_says_it_is_too_long_is_refused_before_it_comes():
    length = (b"content-length", str(MAX_BYTES + 1).encode())
    status, _, _, got = send_parts([b"x"], JSON, length)
    assert (status, got) == (413, [])


def test_a_body_that_nobody_reads_is_short():
    assert send_parts([b"x" * UNREAD_BYTES], takes=BodyKind.NOTHING)[0] == 200
    assert send_parts([b"x" * UNREAD_BYTES, b"x"], takes=BodyKind.NOTHING)[0] == 413


def test_a_body_that_drips_is_told_so():
    status, answer, _, got = send_parts([b"x"] * 100, JSON, pause_s=0.01, timeout_s=0.1)
    assert (status, got) == (408, [])
    assert "0.1 seconds" in answer["detail"]


def test_a_refused_body_that_ends_soon_leaves_the_connection():
    assert b"connection" not in send_parts([b"x", b"y"], (b"content-type", b"text/plain"))[2]


def test_who_waits_to_be_asked_for_a_body_that_is_refused_is_never_asked():
    status, _, headers, _ = send_parts([], (b"expect", b"100-continue"), (b"content-length", b"9999999"))
    assert (status, headers[b"connection"]) == (413, b"close")


@pytest.mark.parametrize(
    ("takes", "headers", "status"),
    [
        (BodyKind.JSON, [JSON], 200),
        (BodyKind.JSON, [(b"content-type", b"Application/JSON; Charset=UTF-8")], 200),
        (BodyKind.JSON, [(b"content-type", b"application/vnd.api+json")], 200),
        (BodyKind.JSON, [], 415),
        (BodyKind.JSON, [(b"content-type", b"")], 415),
        (BodyKind.JSON, [(b"content-type", b"text/plain")], 415),
        (BodyKind.JSON, [(b"content-type", b"application/x-www-form-urlencoded")], 415),
        (BodyKind.JSON, [(b"content-type", b"application/json; charset=utf-16")], 415),
        (BodyKind.JSON, [(b"content-type", b"application/json; charset=\xff")], 415),
        (BodyKind.JSON, [JSON, (b"content-encoding", b"gzip")], 415),
        (BodyKind.JSON, [JSON, (b"content-encoding", b"identity")], 200),
        (BodyKind.JSON, [FORM], 415),
        (BodyKind.FORM, [FORM], 200),
        (BodyKind.FORM, [JSON], 415),
        (BodyKind.FORM, [(b"content-type", b"multipart/form-data")], 415),
        (BodyKind.FORM, [(b"content-type", b"multipart/form-data; boundary=")], 415),
        (BodyKind.FORM, [(b"content-type", b"multipart/form-data; boundary=" + b"b" * 71)], 415),
        (BodyKind.NOTHING, [], 200),
    ],
)
def test_a_body_of_another_kind_than_the_route_takes_is_refused(takes, headers, status):
    assert send_parts([b"{}"], *headers, takes=takes)[0] == status


def test_a_body_for_which_there_is_no_room_is_to_be_sent_again_later():
    room = BodyRoom(100)
    status, answer, headers, got = send_parts([b" " * 40, b" " * 40], JSON, room=room)
    assert (status, got, int(headers[b"retry-after"])) == (429, [], 1)
    assert "100 bytes" in answer["detail"]
    assert room.n_bytes == 0
    assert send_parts([b"{", b"}"], JSON, room=room)[0] == 200
