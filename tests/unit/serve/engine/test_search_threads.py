from __future__ import annotations

import asyncio
import threading

import pytest

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.errors import DeadlineError, OverloadedError, QueryError
from serve.engine.alias_watcher import AliasWatcher
from serve.engine.search_threads import Answerer, AnswererLimits, SearchThreads
from serve.engine.snapshot_pool import SnapshotPool
from tests.waiting import wait_until


def ask(engine):
    return engine.search(None)


@pytest.fixture
def answer_with(opener):
    """Run a coroutine over an answerer with given limits; everything is closed in the end."""

    def run(body, **limits):
        async def whole():
            pool = SnapshotPool(opener, max_idle=0)
            watcher = AliasWatcher(pool, lambda: "a", probe=ask, interval_s=5.0)
            await watcher.start()
            answerer = Answerer(watcher, SearchThreads(AnswererLimits(**limits)))
            try:
                return await body(answerer)
            finally:
                await answerer.threads.close()
                await watcher.close()
                assert pool.opened == ()

        return asyncio.run(whole())

    return run


def test_requests_are_answered_by_the_alias_or_by_the_snapshot_they_name(answer_with):
    async def body(answerer):
        ways = [AskedSnapshot(snapshot="older", entitled_by=name) for name in ("older", "a")]
        return await asyncio.gather(
            answerer.answer(ask), *(answerer.answer(ask, snapshot=way) for way in ways)
        )

    assert answer_with(body) == ["a", "older", "older under a"]


def test_no_more_work_at_once_than_there_are_threads(answer_with):
    lock, may_end, at_work, most = threading.Lock(), threading.Event(), 0, 0

    def work(engine):
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        assert may_end.wait(20)
        with lock:
            at_work -= 1

    async def body(answerer):
        asked = [asyncio.create_task(answerer.answer(work)) for _ in range(30)]
        await wait_until(lambda: at_work == 3 and answerer.n_waiting == 27)
        may_end.set()
        await asyncio.gather(*asked)

    answer_with(body, n_threads=3, max_waiting=30)
    assert most == 3


def test_one_too_many_is_refused_with_a_time_and_the_others_are_answered(answer_with):
    release = threading.Event()

    async def body(answerer):
        held = [asyncio.create_task(answerer.answer(lambda engine: release.wait(20))) for _ in range(3)]
        await wait_until(lambda: answerer.n_waiting == 2)
        with pytest.raises(OverloadedError) as refused:
            await answerer.answer(ask)
        assert refused.value.retry_after_s > 0.0
        begun = asyncio.create_task(answerer.answer(ask, is_begun=True))
        await asyncio.sleep(0)
        release.set()
        assert await asyncio.gather(*held, begun) == [True, True, True, "a"]
        assert await answerer.answer(ask) == "a"

    answer_with(body, n_threads=1, max_waiting=2)


def test_a_free_place_is_taken_although_nobody_may_wait(answer_with):
    async def body(answerer):
        return await answerer.answer(ask)

    assert answer_with(body, n_threads=1, max_waiting=0) == "a"


def test_a_request_whose_time_is_up_is_told_so_and_keeps_its_place_until_it_has_ended(answer_with, opener):
    release = threading.Event()

    async def body(answerer):
        with pytest.raises(DeadlineError, match="within 0.05 s"):
            await answerer.answer(
                lambda engine: release.wait(20),
                snapshot=AskedSnapshot(snapshot="slow", entitled_by="slow"),
                timeout_s=0.05,
            )
        with pytest.raises(DeadlineError):
            await answerer.answer(ask, timeout_s=0.05)  # it waits for the place
        assert not opener.find("slow")[0].is_closed
        release.set()
        assert await answerer.answer(ask) == "a"
        await wait_until(lambda: opener.find("slow")[0].is_closed)

    answer_with(body, n_threads=1)


def test_one_who_goes_away_leaves_no_place_taken(answer_with):
    release = threading.Event()

    async def body(answerer):
        gone = [asyncio.create_task(answerer.answer(lambda engine: release.wait(20))) for _ in range(2)]
        await wait_until(lambda: answerer.n_waiting == 1)
        for task in gone:
            task.cancel()
        await asyncio.wait(gone)
        release.set()
        assert await asyncio.gather(*(answerer.answer(ask) for _ in range(5))) == ["a"] * 5

    answer_with(body, n_threads=1)


@pytest.mark.parametrize(
    "error", [QueryError(detail="no words"), TimeoutError("its own"), ZeroDivisionError()]
)
def test_what_a_question_raises_reaches_the_caller_and_frees_its_place(answer_with, error):
    def fail(engine):
        raise error

    async def body(answerer):
        for _ in range(3):
            with pytest.raises(type(error)) as raised:
                await answerer.answer(fail)
            assert raised.value.args == error.args
        return await answerer.answer(ask)

    assert answer_with(body, n_threads=1) == "a"


def test_collections_of_a_process_share_its_threads_and_its_bound(opener):
    async def body():
        threads, gate = SearchThreads(AnswererLimits(n_threads=1, max_waiting=1)), threading.Event()
        watchers = [AliasWatcher(SnapshotPool(opener), lambda: "a", probe=ask) for _ in range(2)]
        for watcher in watchers:
            await watcher.start()
        notes, bonds = (Answerer(watcher, threads) for watcher in watchers)
        held = asyncio.create_task(notes.answer(lambda _: gate.wait(timeout=20)))
        await wait_until(lambda: notes.n_at_work == 1)
        waits = asyncio.create_task(bonds.answer(ask))
        await wait_until(lambda: bonds.n_waiting == 1)
        assert (notes.n_waiting, bonds.n_at_work) == (0, 0)
        for answerer in (notes, bonds):
            with pytest.raises(OverloadedError):
                await answerer.answer(ask)
        gate.set()
        assert (await held, await waits) == (True, "a")
        await threads.close()
        for watcher in watchers:
            await watcher.close()

    asyncio.run(body())
