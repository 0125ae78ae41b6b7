"""Clients in a process of their own, in a closed loop (a question follows the last answer) or paced.

A paced question has its time, whether or not those before are answered; it begins then, so that waiting for
a free client counts, too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from benchmarks.http_client import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedAnswer:
    """A request that has ended.

    Attributes:
        question: place of its bytes among those of the load.
        began: seconds since the epoch.
        ended: seconds since the epoch.
        status: of the answer; 0 where there was none.
    """

    question: int
    began: float
    ended: float
    status: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What clients ask.

    Attributes:
        url: of the server.
        requests: bytes of each question, asked in order; from the first again after the last.
        n_clients: that ask at once.
        seconds: after which no question begins.
        keeps_bodies: whether what was answered comes back.
        per_s: questions a second of a paced load; 0 for a closed loop.
    """

    url: str
    requests: Sequence[bytes]
    n_clients: int
    seconds: float
    keeps_bodies: bool
    per_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a load.

    Attributes:
        seconds: from its begin to its last answer.
        cpu_s: processor seconds of the clients.
    """

    asked: list[TimedAnswer]
    seconds: float
    cpu_s: float

    @property
    def n_failed(self) -> int:
        """Requests without an answer, or with an error for one."""
        return sum(item.status != 200 for item in self.asked)


class LoadProcess:
    """Runs loads in one process of its own, which is started once."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))

    def __enter__(self) -> LoadProcess:
        self._pool.submit(time.time).result()
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def begin(self, load: Load) -> Future[Done]:
        """Begin a load and return the future of what comes of it."""
        return self._pool.submit(run_load, load)


def run_load(load: Load) -> Done:
    """Ask, in this process, and return what came of it."""
    return asyncio.run(_run(load))


async def _run(load: Load) -> Done:
    started, cpu_s = time.time(), time.process_time()
    asked: list[TimedAnswer] = []
    numbers = iter(range(1 << 60))
    clients = (
        _ask_on(load, numbers, until=started + load.seconds, asked=asked) for _ in range(load.n_clients)
    )
    await asyncio.gather(*clients)
    return Done(asked=asked, seconds=time.time() - started, cpu_s=time.process_time() - cpu_s)


async def _ask_on(load: Load, numbers: Iterator[int], *, until: float, asked: list[TimedAnswer]) -> None:
    connection = Connection(load.url)
    started = until - load.seconds
    while time.time() < until:
        number = next(numbers)
        began = started + number / load.per_s if load.per_s else time.time()
        if began >= until:
            break
        await asyncio.sleep(max(0.0, began - time.time()))
        question = number % len(load.requests)
        status, body = 0, b""
        try:
            answer = await connection.ask(load.requests[question])
            status, body = answer.status, answer.body if load.keeps_bodies else b""
        except (OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.01)  # counted as failed
        asked.append(TimedAnswer(question=question, began=began, ended=time.time(), status=status, body=body))
    await connection.close()
