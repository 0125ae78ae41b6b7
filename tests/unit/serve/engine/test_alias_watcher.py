from __future__ import annotations

import asyncio

import pytest

from eagleray.errors import IntegrityError, StoreError
from serve.engine.alias_watcher import AliasWatcher
from serve.engine.snapshot_pool import SnapshotPool
from tests.waiting import wait_until


class Alias:
    """An alias that can be moved, and whose store can fail."""

    def __init__(self, snapshot):
        self.snapshot, self.error = snapshot, None

    def __call__(self):
        if self.error is not None:
            raise self.error
        return self.snapshot


@pytest.fixture
def alias():
    return Alias("a")


def make_watcher(opener, alias, **more):
    options = {"probe": lambda engine: engine.search(None), "interval_s": 0.01, **more}
    return AliasWatcher(SnapshotPool(opener, max_idle=1), alias, **options)


def test_new_requests_get_the_new_snapshot_and_old_ones_end_on_theirs(opener, alias):
    async def run():
        watcher = make_watcher(opener, alias)
        await watcher.start()
        old = await watcher.lease()
        for snapshot in ("b", "c", "d"):
            alias.snapshot = snapshot
            await wait_until(lambda wanted=snapshot: watcher.state.snapshot == wanted)
        assert old.engine.search(None) == "a"
        new = await watcher.lease()
        assert new.engine.search(None) == "d"
        old.release()
        new.release()
        await wait_until(lambda: opener.find("b")[0].is_closed)
        await watcher.close()

    asyncio.run(run())
    assert all(engine.is_closed for engine in opener.opened)


def test_a_request_that_names_a_snapshot_gets_that_one(opener, alias):
    async def run():
        watcher = make_watcher(opener, alias)
        await watcher.start()
        lease = await watcher.lease("older")
        assert lease.engine.search(None) == "older"
        assert watcher.state.snapshot == "a"
        lease.release()
        await watcher.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "error",
    [IntegrityError(path="b", expected="x", found="y"), StoreError(path="b", detail="gone"), OSError("disk")],
    ids=lambda error: type(error).__name__,
)
def test_a_snapshot_that_cannot_be_opened_leaves_the_old_one_answering(opener, alias, error):
    async def run():
        watcher = make_watcher(opener, alias)
        await watcher.start()
        opener.failing["b"] = error
        alias.snapshot = "b"
        await wait_until(lambda: watcher.state.error)
        assert (watcher.state.snapshot, watcher.state.wanted) == ("a", "b")
        assert str(error) in watcher.state.error
        del opener.failing["b"]
        await wait_until(lambda: watcher.state.snapshot == "b")
        assert not watcher.state.error
        await watcher.close()

    asyncio.run(run())


def test_a_snapshot_that_fails_its_probe_never_answers_a_request(opener, alias):
    def probe(engine):
        if engine.snapshot == "b":
            raise IntegrityError(path="b", expected="an answer", found="none")

    async def run():
        watcher = make_watcher(opener, alias, probe=probe)
        await watcher.start()
        alias.snapshot = "b"
        await wait_until(lambda: watcher.state.error)
        lease = await watcher.lease()
        assert lease.engine.snapshot == "a"
        lease.release()
        alias.snapshot = "c"
        await wait_until(lambda: watcher.state.snapshot == "c")
        await watcher.close()

    asyncio.run(run())
    assert all(engine.is_closed for engine in opener.opened)


def test_a_store_that_fails_for_a_while_stops_no_answer_and_is_followed_again(opener, alias):
    async def run():
        watcher = make_watcher(opener, alias)
        await watcher.start()
        alias.error = StoreError(path="aliases/live", detail="timed out")
        await wait_until(lambda: "timed out" in watcher.state.error)
        lease = await watcher.lease()
        assert lease.engine.search(None) == "a"
        lease.release()
        alias.error, alias.snapshot = None, "b"
        await wait_until(lambda: watcher.state.snapshot == "b")
        await watcher.close()

    asyncio.run(run())


def test_a_notice_is_followed_at_once(opener, alias):
    async def run():
        watcher = make_watcher(opener, alias, interval_s=30.0)
        await watcher.start()
        alias.snapshot = "b"
        watcher.notify()
        await wait_until(lambda: watcher.state.snapshot == "b")
        await watcher.close()

    asyncio.run(run())


def test_what_keeps_the_first_snapshot_from_opening_is_raised_at_the_start(opener, alias):
    async def run():
        opener.failing["a"] = IntegrityError(path="a", expected="x", found="y")
        with pytest.raises(IntegrityError):
            await make_watcher(opener, alias).start()

    asyncio.run(run())


def test_who_takes_a_snapshot_waits_until_it_answers_and_not_for_the_next_look(opener, alias):
    async def run():
        watcher = make_watcher(opener, alias, interval_s=60.0)
        await watcher.start()
        alias.snapshot = "b"
        assert await watcher.take("b", timeout_s=10.0)
        assert watcher.state.snapshot == "b"
        assert await watcher.take("b", timeout_s=10.0)
        await watcher.close()

    asyncio.run(run())


def test_taking_ends_when_it_fails_or_its_time_is_up(opener, alias):
    async def run():
        watcher = make_watcher(opener, alias, interval_s=60.0)
        await watcher.start()
        assert not await watcher.take("elsewhere", timeout_s=0.05)
        opener.failing["b"] = IntegrityError(path="b", expected="x", found="y")
        alias.snapshot = "b"
        async with asyncio.timeout(10.0):
            assert not await watcher.take("b", timeout_s=60.0)
        assert watcher.state.snapshot == "a"
        await watcher.close()

    asyncio.run(run())
