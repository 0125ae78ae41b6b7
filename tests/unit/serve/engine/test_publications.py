from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace

import pytest

from eagleray.contracts.manifests import AliasEntry
from eagleray.errors import DeadlineError, NotPublishedError
from eagleray.testing.fakes import ManualClock
from serve.engine import publications as module
from serve.engine.publications import Publications
from tests.waiting import run_by


class Log:
    """The moves of an alias, and what was read of them."""

    def __init__(self, *moves):
        self.moves, self.read = list(moves), []
        self.is_held, self.gate = threading.Event(), threading.Event()
        self.held_from = len(moves)
        self.state = SimpleNamespace(snapshot="")

    def find_last(self):
        return len(self.moves)

    def read_moves(self, after, until):
        if after == self.held_from:
            self.is_held.set()
            assert self.gate.wait(20)
        self.read.append((after, until))
        return [
            AliasEntry(sequence=number, snapshot=name, previous=None, moved_at=number, reason=reason)
            for number, (reason, name) in enumerate(self.moves[after:until], start=after + 1)
        ]

    def open(self, *, timeout_s=10.0):
        return Publications(
            self,
            find_last=self.find_last,
            read_moves=self.read_moves,
            collection="notes",
            timeout_s=timeout_s,
        )


def publish(*names):
    return [("publish", name) for name in names]


async def find(found, snapshot, *, may_examine=False):
    asked = await found.find(snapshot, may_examine=may_examine)
    return asked.entitled_by, asked.is_published


def test_what_the_alias_came_through_is_ruled_by_its_newest_and_the_rest_is_for_examiners():
    async def body():
        log = Log(*publish("a", "b", "c"), ("rollback", "b"))
        found = log.open()
        assert await find(found, "a") == ("b", True)
        assert await find(found, "b") == ("b", True)
        for name in ("c", "never"):
            with pytest.raises(NotPublishedError):
                await find(found, name)
            assert await find(found, name, may_examine=True) == ("b", False)

    asyncio.run(body())


def test_only_moves_that_are_new_are_read_and_some_at_a_time(monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", 2)

    async def body():
        log = Log(*publish("a", "b", "c"))
        found = log.open()
        assert await find(found, "a") == ("c", True)
        assert log.read == [(0, 2), (2, 3)]
        log.moves, log.held_from = [*log.moves, *publish("d")], 9
        log.state.snapshot = "d"
        assert await find(found, "a") == ("d", True)
        assert await find(found, "d") == ("d", True)
        assert log.read == [(0, 2), (2, 3), (2, 3), (3, 4)]

    asyncio.run(body())


@pytest.mark.parametrize("moves", [("x",), ("x", "y"), ("x", "y", "z"), ("x", "y", "z", "w")])
def test_another_collection_of_the_name_is_ruled_by_its_own_moves_alone(moves):
    async def body():
        log = Log(*publish("a", "b"))
        found = log.open()
        assert await find(found, "a") == ("b", True)
        log.moves, log.state.snapshot = publish(*moves), moves[-1]
        for name in ("a", "b"):
            with pytest.raises(NotPublishedError):
                await find(found, name)
        assert await find(found, "x") == (moves[-1], True)

    asyncio.run(body())


def test_a_log_that_takes_long_ends_no_request_late_and_is_read_on_from_where_it_was_left(monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", 1)

    clock = ManualClock()

    async def body():
        log = Log(*publish("a", "b"))
        found, log.held_from = log.open(timeout_s=1.0), 1
        late = asyncio.create_task(find(found, "a"))
        assert await asyncio.to_thread(log.is_held.wait, 20)
        clock.advance(1.0)
        with pytest.raises(DeadlineError):
            await late
        log.gate.set()
        assert await find(found, "a") == ("b", True)
        assert log.read.count((0, 1)) == 1

    run_by(clock, body())
