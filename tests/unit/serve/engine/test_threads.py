from __future__ import annotations

import asyncio
import contextvars
import threading
from pathlib import Path

import pytest

import serve
from serve.engine.threads import Work, run_in_thread, work_for
from tests.waiting import wait_until

named = contextvars.ContextVar("named", default="nobody")


def test_work_of_one_kind_does_not_wait_for_work_of_another():
    async def body():
        gate, begun = threading.Event(), []

        def hold():
            begun.append(threading.current_thread().name)
            assert gate.wait(timeout=20)

        held = [asyncio.create_task(run_in_thread(Work.UPLOADS, hold)) for _ in range(64)]
        await wait_until(lambda: begun)
        others = [kind for kind in Work if kind is not Work.UPLOADS]
        async with asyncio.timeout(20):
            names = [await run_in_thread(kind, lambda: threading.current_thread().name) for kind in others]
        assert not any(task.done() for task in held)
        assert [name.rpartition("_")[0] for name in names] == [f"eagleray-{kind}" for kind in others]
        assert len(begun) < 64, "the threads of a kind are bounded"
        gate.set()
        await asyncio.gather(*held)

    asyncio.run(body())


@pytest.mark.parametrize(("kind", "most"), [(Work.TEXTS, 1), (Work.UPLOADS, 3), (Work.CATALOG, 1)])
def test_one_caller_never_has_all_threads_of_what_callers_can_make_long(kind, most):
    async def body():
        gate, begun = threading.Event(), []

        def hold():
            begun.append(1)
            assert gate.wait(timeout=20)

        async def ask(subject, do):
            work_for(subject)
            return await run_in_thread(kind, do)

        held = [asyncio.create_task(ask("ann", hold)) for _ in range(16)]
        await wait_until(lambda: len(begun) == most)
        async with asyncio.timeout(20):
            assert await asyncio.create_task(ask("ben", lambda: "done")) == "done"
            assert await asyncio.create_task(ask("", lambda: "done")) == "done"
        held[0].cancel()
        async with asyncio.timeout(20):
            for _ in range(3):  # ann's next one would begin before the last of these
                assert await asyncio.create_task(ask("ben", lambda: "done")) == "done"
        assert len(begun) == most, "a thread is held until its work has ended, whoever waits for it"
        gate.set()
        await asyncio.gather(*held, return_exceptions=True)
        assert len(begun) == len(held)

    asyncio.run(body())


def test_what_runs_has_the_context_of_its_caller_and_its_error_is_the_callers():
    async def body():
        named.set("ann")
        assert await run_in_thread(Work.CATALOG, named.get) == "ann"
        with pytest.raises(KeyError, match="gone"):
            await run_in_thread(Work.CATALOG, {}.__getitem__, "gone")
        assert await run_in_thread(Work.CATALOG, sorted, "ba", reverse=True) == ["b", "a"]

    asyncio.run(body())


def test_nothing_of_the_server_uses_the_threads_that_all_would_share():
    shared = ("to_thread(", "run_in_executor(None", "run_in_threadpool(")
    users = [
        path.name
        for path in sorted(Path(serve.__file__).parent.rglob("*.py"))
        if any(call in path.read_text() for call in shared)
    ]
    assert users == []
