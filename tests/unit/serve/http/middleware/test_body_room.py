"""Bodies share what memory they may take: one caller never takes it all."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from eagleray.errors import BodyRoomError
from serve.http.middleware.body_room import BodyRoom


def take_all(body, step=1):
    """Take until there is no room, and return how much it was."""
    while True:
        try:
            body.take(step)
        except BodyRoomError as error:
            assert error.retry_after_s >= 1
            return body.n_bytes


def test_one_alone_gets_a_half_and_two_a_third_each():
    room = BodyRoom(600)
    with room.enter("ann") as first:
        assert take_all(first) == 300
        with room.enter("ben") as second:
            assert take_all(second) == 150
    with room.enter("ann") as first, room.enter("ben") as second:
        for _ in range(200):
            first.take(1)
            second.take(1)
        assert (take_all(first), take_all(second)) == (200, 200)


def test_bodies_of_one_caller_count_together():
    room = BodyRoom(600)
    with ExitStack() as stack:
        bodies = [stack.enter_context(room.enter("ann")) for _ in range(3)]
        assert sum(take_all(body, step=100) for body in bodies) == 300
        with room.enter("ben") as other:
            other.take(100)
    assert room.n_bytes == 0


def test_what_is_given_back_can_be_taken_again_also_after_an_error():
    room = BodyRoom(10)
    for _ in range(5):
        with pytest.raises(ZeroDivisionError), room.enter("ann") as body:
            body.take(5)
            raise ZeroDivisionError
    assert room.n_bytes == 0
