"""Answers whose peers are slow: sent as they are taken, and bounded all together."""

from __future__ import annotations

import asyncio
import json

import pytest

from eagleray.contracts.callers import Authentication, Caller, Role
from eagleray.contracts.principals import Principal
from serve.http.access import CALLER
from serve.http.middleware.answer_limit import PIECE_BYTES, AnswerLimit
from serve.http.middleware.body_room import BodyRoom

LONG = bytes(range(256)) * (4 * PIECE_BYTES // 256) + b"the end"


class Peer:
    """Asks once, and takes of the answer as much as it is let."""

    def __init__(self, subject="ann"):
        self.subject, self.may_take = subject, asyncio.Event()
        self.status, self.headers, self.pieces, self.is_whole = 0, {}, [], False

    @property
    def body(self):
        return b"".join(self.pieces)

    async def take(self, message):
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
            return
        if message["body"] and self.status == 200:
            await self.may_take.wait()
        self.pieces.append(message["body"])
        assert not self.is_whole
        self.is_whole = not message.get("more_body", False)

    async def ask(self, limit):
        principal = Principal(subject=self.subject)
        caller = Caller(
            principal=principal, roles=frozenset({Role.READER}), authentication=Authentication.API_KEY
        )
        scope = {
            "type": "http",
            "path": "/v1/files/a/content",
            "method": "GET",
            "headers": [],
            CALLER: caller,
        }
        await limit(scope, None, self.take)


def make_limit(body, *, max_bytes, room=None):
    async def app(_scope, _receive, send):
        length = str(len(body)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": body})

    return AnswerLimit(app, room=room or BodyRoom(max_bytes, is_first_free=True))


async def begin(peers, limit):
    """Let peers ask, one after the other, and wait until each waits for its peer or has ended."""
    asking = []
    for peer in peers:
        asking.append(asyncio.ensure_future(peer.ask(limit)))
        for _ in range(10):
            await asyncio.sleep(0)
    return asking


@pytest.mark.parametrize("n", [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES, len(LONG)])
def test_an_answer_comes_whole_whatever_its_length(n):
    async def ask():
        peer = Peer()
        peer.may_take.set()
        await peer.ask(make_limit(LONG[:n], max_bytes=1))
        assert (peer.status, peer.body, peer.is_whole) == (200, LONG[:n], True)
        assert peer.headers == {b"content-length": str(n).encode()}
        assert all(len(piece) <= PIECE_BYTES for piece in peer.pieces)
        assert len(peer.pieces) == max(1, -(-n // PIECE_BYTES))

    asyncio.run(ask())


def test_slow_peers_of_one_caller_hold_a_half_and_others_get_theirs():
    async def ask():
        room = BodyRoom(4 * len(LONG), is_first_free=True)
        limit = make_limit(LONG, max_bytes=0, room=room)
        slow, other = [Peer() for _ in range(5)], Peer("ben")
        asking = await begin([*slow, other], limit)
        assert [peer.status for peer in slow] == [200, 200, 429, 429, 429]
        assert [peer.is_whole for peer in slow] == [False, False, True, True, True]
        assert other.status == 200
        assert room.n_bytes == 3 * len(LONG)
        for peer in (*slow, other):
            peer.may_take.set()
        await asyncio.gather(*asking)
        assert other.body == slow[0].body == LONG
        assert room.n_bytes == 0

    asyncio.run(ask())


def test_what_finds_no_room_says_when_to_try_again():
    async def ask():
        limit = make_limit(LONG, max_bytes=len(LONG))
        first, second = Peer(), Peer()
        second.may_take.set()
        asking = await begin([first, second], limit)
        assert second.status == 429
        assert int(second.headers[b"retry-after"]) >= 1
        assert "answers" in json.loads(second.body)["error"]["message"]
        first.may_take.set()
        await asyncio.gather(*asking)

    asyncio.run(ask())


def test_a_first_answer_always_goes_and_short_ones_count_for_nothing():
    async def ask():
        limit = make_limit(LONG, max_bytes=1)
        ann, ben = Peer(), Peer("ben")
        asking = await begin([ann, ben], limit)
        assert (ann.status, ben.status) == (200, 200)
        short = [Peer() for _ in range(20)]
        asking += await begin(short, make_limit(LONG[:PIECE_BYTES], max_bytes=1))
        assert {peer.status for peer in short} == {200}
        for peer in (ann, ben, *short):
            peer.may_take.set()
        await asyncio.gather(*asking)

    asyncio.run(ask())


def test_a_peer_that_has_gone_gives_its_room_back():
    async def ask():
        room = BodyRoom(len(LONG), is_first_free=True)
        (asking,) = await begin([Peer()], make_limit(LONG, max_bytes=0, room=room))
        assert room.n_bytes == len(LONG)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert room.n_bytes == 0

    asyncio.run(ask())
