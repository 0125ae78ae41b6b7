"""Collections are opened as they are named or found, each once, and closed whatever closing one raises."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from eagleray.errors import IntegrityError, NotPublishedError
from serve.engine.collection_pool import CollectionPool, read_choice
from tests.waiting import wait_until


class Store:
    """Collections that are there, and what was done with them."""

    def __init__(self, *published, broken=(), bad_ends=()):
        self.published, self.broken, self.bad_ends = set(published), set(broken), set(bad_ends)
        self.opened, self.closed = [], []

    @asynccontextmanager
    async def open(self, name):
        await asyncio.sleep(0)
        if name in self.broken:
            raise IntegrityError(path=name, expected="whole", found="damaged")
        if name not in self.published:
            raise NotPublishedError(name=name, detail="there is none")
        self.opened.append(name)
        try:
            yield name.upper()
        finally:
            self.closed.append(name)
            if name in self.bad_ends:
                raise RuntimeError(f"{name} does not end")

    def list(self, known):
        return sorted(self.published)


@asynccontextmanager
async def run_pool(store, default, others="", grace_s=0.0):
    choice = read_choice(default, others)
    pool = CollectionPool(choice, store.open, list_published=store.list, look_s=0.005, grace_s=grace_s)
    await pool.start()
    try:
        yield pool
    finally:
        await pool.close()


def test_those_that_are_named_are_opened_in_their_order_each_once():
    async def body():
        store = Store("a", "b", "c")
        async with run_pool(store, "b", "a b") as pool:
            assert dict(pool.opened) == {"b": "B", "a": "A"}
            with pytest.raises(NotPublishedError):
                await pool.obtain("c")
        assert (store.opened, store.closed) == (["b", "a"], ["a", "b"])

    asyncio.run(body())


def test_one_that_is_named_and_not_there_ends_the_start_and_closes_the_others():
    async def body():
        store = Store("a")
        pool = CollectionPool(read_choice("a", "b"), store.open, list_published=store.list)
        with pytest.raises(NotPublishedError, match="b"):
            await pool.start()
        await pool.close()
        assert store.closed == ["a"]

    asyncio.run(body())


def test_all_are_served_also_those_published_later_the_default_first():
    async def body():
        store = Store("a", "b")
        async with run_pool(store, "b", "*") as pool:
            assert store.opened == ["b", "a"]
            store.published.add("later")
            await wait_until(lambda: "later" in pool.opened)
        assert store.closed == ["later", "a", "b"]

    asyncio.run(body())


def test_one_that_is_removed_is_found_by_nobody_and_closed_and_may_come_again():
    async def body():
        store = Store("a", "b", bad_ends={"b"})
        async with run_pool(store, "a", "*") as pool:
            store.published.remove("b")
            await wait_until(lambda: store.closed == ["b"])
            assert list(pool.opened) == ["a"]
            with pytest.raises(NotPublishedError):
                await pool.obtain("b")
            store.bad_ends.clear()
            store.published.add("b")
            await wait_until(lambda: "b" in pool.opened)
        assert store.closed == ["b", "b", "a"]

    asyncio.run(body())


def test_one_that_is_named_and_removed_is_closed_and_no_other_is_opened():
    async def body():
        store = Store("a", "b")
        async with run_pool(store, "a", "b") as pool:
            store.published.add("c")
            store.published.remove("b")
            await wait_until(lambda: store.closed == ["b"])
            assert list(pool.opened) == ["a"]
            with pytest.raises(NotPublishedError):
                await pool.obtain("b")
            store.published.add("b")
            await wait_until(lambda: "b" in pool.opened)
            assert "c" not in store.opened

    asyncio.run(body())


def test_one_that_is_removed_stays_open_for_those_who_found_it_until_the_end_at_most():
    async def body():
        store = Store("a", "b")
        async with run_pool(store, "a", "*", grace_s=3_600.0) as pool:
            store.published.remove("b")
            await wait_until(lambda: "b" not in pool.opened)
            assert store.closed == []
        assert store.closed == ["b", "a"]

    asyncio.run(body())


def test_a_pool_that_starts_empty_opens_what_is_asked_for_and_closes_what_is_removed():
    async def body():
        store = Store("a", "b")
        pool = CollectionPool(
            read_choice("a", "*"), store.open, list_published=store.list, look_s=0.005, grace_s=0.0
        )
        pool.start_empty()
        assert await pool.obtain("b") == "B"
        store.published.remove("b")
        await wait_until(lambda: store.closed == ["b"])
        await pool.close()
        assert store.opened == ["b"]

    asyncio.run(body())


def test_one_that_could_not_be_opened_and_is_removed_fails_no_more():
    async def body():
        store = Store("a", "b", broken={"b"})
        async with run_pool(store, "a", "*") as pool:
            assert pool.failing == {"b"}
            store.published.remove("b")
            await wait_until(lambda: not pool.failing)

    asyncio.run(body())


def test_one_that_cannot_be_opened_keeps_no_other_from_being_served_and_is_tried_again():
    async def body():
        store = Store("a", "b", broken={"a"})
        async with run_pool(store, "a", "*") as pool:
            assert (list(pool.opened), pool.failing) == (["b"], {"a"})
            store.broken.clear()
            await wait_until(lambda: "a" in pool.opened)
            assert not pool.failing

    asyncio.run(body())


def test_those_who_ask_for_one_at_once_share_one_opening():
    async def body():
        store = Store("a", "b")
        async with run_pool(store, "a", "*") as pool:
            store.published.add("c")
            assert await asyncio.gather(*(pool.obtain("c") for _ in range(5))) == ["C"] * 5
            assert store.opened.count("c") == 1

    asyncio.run(body())


def test_a_close_that_raises_skips_no_other():
    async def body():
        store = Store("a", "b", "c", bad_ends={"b"})
        with pytest.raises(RuntimeError, match="b does not end"):
            async with run_pool(store, "a", "b c"):
                pass
        assert store.closed == ["c", "b", "a"]

    asyncio.run(body())
