"""The threads that work beside the event loop: so many for each kind of work, so that none starves another.

Where callers decide how long a thread is held, one of them never has all of a kind.

Searches, embedding and single long pieces of work have threads of their own where they are carried out
(`search_threads`, `batch_queue`, `exclusive_worker`); everything else that may block goes through here, and
nothing through the event loop's own executor, which all would share.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from enum import StrEnum
from functools import cache, partial
from typing import Final, ParamSpec, TypeVar
from weakref import WeakValueDictionary

Result = TypeVar("Result")
Params = ParamSpec("Params")


class Work(StrEnum):
    """A kind of work.

    Attributes:
        AUTHENTICATION: finding out who asks: the store of keys, key sets of tokens.
        AUDIT: keeping records of what was asked.
        FOLLOWING: reading the alias, opening and asking the snapshot it points to.
        OPENING: opening snapshots that requests name, and closing any.
        QUESTIONS: counting the tokens of questions.
        TEXTS: counting, cutting and decoding the texts of callers, and writing long answers.
        WRITES: documents on their way into a collection.
        COMMITS: rounds of writes, one after the other whichever collection they are of.
        UPLOADS: records and bytes of files and vector stores.
        CATALOG: snapshots, aliases and runs, shown and moved.
        SHARED: what servers share, sealed and unsealed.
        CLOSING: what ends with the process.
    """

    AUTHENTICATION = "authentication"
    AUDIT = "audit"
    FOLLOWING = "following"
    OPENING = "opening"
    QUESTIONS = "questions"
    TEXTS = "texts"
    WRITES = "writes"
    COMMITS = "commits"
    UPLOADS = "uploads"
    CATALOG = "catalog"
    SHARED = "shared"
    CLOSING = "closing"


_N_THREADS: Final = {
    Work.AUTHENTICATION: 4,
    Work.AUDIT: 8,  # with `sync` each waits for the store
    Work.FOLLOWING: 4,  # a merger's waits for those of its shards, which may be in one process with it
    Work.OPENING: 4,  # as above
    Work.QUESTIONS: 1,
    Work.TEXTS: 2,
    Work.WRITES: 4,
    Work.COMMITS: 1,
    Work.UPLOADS: 4,
    Work.CATALOG: 2,
    Work.SHARED: 2,
    Work.CLOSING: 1,
}


_MOST_OF_ONE: Final = {Work.TEXTS: 1, Work.UPLOADS: 3, Work.CATALOG: 1}
"""Threads of a kind that one caller may have at once; the others are never held for long."""

_caller: ContextVar[str] = ContextVar("caller", default="")
_turns: WeakValueDictionary[tuple[int, Work, str], asyncio.Semaphore] = WeakValueDictionary()


def work_for(subject: str) -> None:
    """Let what this task runs in threads from here on count as work for a caller; empty for nobody."""
    _caller.set(subject)


def read_caller() -> str:
    """Return for whom this task works, as `work_for` was told; empty for nobody."""
    return _caller.get()


async def run_in_thread(
    work: Work, do: Callable[Params, Result], /, *args: Params.args, **kwargs: Params.kwargs
) -> Result:
    """Return what `do` returns, called in a thread for that kind of work, in the context of the caller.

    Raises:
        Exception: what `do` raised.
    """
    loop, subject = asyncio.get_running_loop(), read_caller()
    called = partial(copy_context().run, do, *args, **kwargs)
    if not subject or work not in _MOST_OF_ONE:
        return await loop.run_in_executor(_open_pool(work), called)
    turn = _turns.setdefault((id(loop), work, subject), asyncio.Semaphore(_MOST_OF_ONE[work]))
    await turn.acquire()
    done = loop.run_in_executor(_open_pool(work), called)
    done.add_done_callback(lambda _: turn.release())  # also where nobody waits for it any more
    return await asyncio.shield(done)  # cancelled, it would count as ended while its thread goes on


@cache
def _open_pool(work: Work) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_N_THREADS[work], thread_name_prefix=f"eagleray-{work}")
