from __future__ import annotations

import asyncio

import pytest

from eagleray.errors import StoreError
from serve.engine.snapshot_pool import SnapshotPool
from tests.waiting import wait_until


def test_many_who_want_a_snapshot_at_once_open_it_once(opener):
    async def run():
        pool = SnapshotPool(opener)
        opener.gate.clear()
        waiting = [asyncio.create_task(pool.lease("a")) for _ in range(20)]
        await asyncio.sleep(0)
        opener.gate.set()
        leases = await asyncio.gather(*waiting)
        assert {id(lease.engine) for lease in leases} == {id(opener.opened[0])}
        for lease in leases:
            lease.release()
        await pool.close()

    asyncio.run(run())
    assert [engine.is_closed for engine in opener.opened] == [True]


def test_an_engine_is_closed_only_when_its_last_lease_is_released(opener):
    async def run():
        pool = SnapshotPool(opener, max_idle=0)
        one, other = await pool.lease("a"), await pool.lease("a")
        one.release()
        one.release()  # a second time changes nothing
        (await pool.lease("later")).release()
        await wait_until(lambda: opener.find("later")[0].is_closed)
        assert not opener.opened[0].is_closed
        other.release()
        await wait_until(lambda: opener.opened[0].is_closed)
        again = await pool.lease("a")
        assert again.engine is not opener.opened[0]
        again.release()
        await pool.close()

    asyncio.run(run())


def test_the_last_used_stay_open_and_the_kept_one_always(opener):
    async def run():
        pool = SnapshotPool(opener, max_idle=2)
        (await pool.lease("kept")).release()
        pool.keep("kept")
        for name in ("a", "b", "a", "c"):
            (await pool.lease(name)).release()
        await wait_until(lambda: opener.find("b")[0].is_closed)
        assert pool.opened == ("kept", "a", "c")
        pool.keep("c")
        await wait_until(lambda: opener.find("kept")[0].is_closed or len(pool.opened) == 3)
        assert "c" in pool.opened
        await pool.close()

    asyncio.run(run())
    assert all(engine.is_closed for engine in opener.opened)


def test_what_opening_raises_reaches_all_who_wait_and_the_next_tries_again(opener):
    async def run():
        pool = SnapshotPool(opener)
        opener.failing["a"] = StoreError(path="a", detail="is away")
        opener.gate.clear()
        waiting = [asyncio.create_task(pool.lease("a")) for _ in range(3)]
        await asyncio.sleep(0)
        opener.gate.set()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(error) for error in found] == [StoreError] * 3
        del opener.failing["a"]
        (await pool.lease("a")).release()
        await pool.close()

    asyncio.run(run())


@pytest.mark.parametrize("fails", [False, True])
def test_one_who_goes_away_while_it_opens_leaves_nothing_behind(opener, fails):
    async def run():
        pool = SnapshotPool(opener, max_idle=0)
        opener.gate.clear()
        if fails:
            opener.failing["a"] = StoreError(path="a", detail="is away")
        impatient = asyncio.create_task(pool.lease("a"))
        await asyncio.sleep(0)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        opener.gate.set()
        await pool.close()
        assert pool.opened == ()
        opener.failing.clear()
        (await pool.lease("a")).release()
        await pool.close()

    asyncio.run(run())
    assert all(engine.is_closed for engine in opener.opened)
