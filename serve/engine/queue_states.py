"""How much waits in the queues of a server, in this process and in others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias


class Queue(StrEnum):
    """What requests wait for."""

    SEARCH = "search"
    SEARCH_EMBEDDING = "search_embedding"
    PASSAGE_EMBEDDING = "passage_embedding"
    QUESTION_EMBEDDING = "question_embedding"
    RERANKING = "reranking"
    WRITING = "writing"


class WaitingPort(Protocol):
    """What requests wait for in one process."""

    @property
    def n_requests(self) -> int:
        """Requests that wait."""
        ...

    @property
    def n_waiting(self) -> int:
        """Items of these requests that wait: texts, passages, documents."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueState:
    """What waits in a queue.

    Attributes:
        n_requests: requests that wait.
        n_items: what they wait with: texts, passages, documents; searches are one item each.
        n_processes: that have the queue, and said so.
    """

    queue: Queue
    n_requests: int
    n_items: int
    n_processes: int = 1


ReadsQueues: TypeAlias = Callable[[], Awaitable[Sequence[QueueState]]]
"""Returns one state a queue."""


def read_queue(queue: Queue, *waiting: WaitingPort) -> QueueState:
    """Return what waits in a process's queue, which may have several parts."""
    return QueueState(
        queue=queue,
        n_requests=sum(part.n_requests for part in waiting),
        n_items=sum(part.n_waiting for part in waiting),
    )


def sum_queues(states: Iterable[QueueState]) -> tuple[QueueState, ...]:
    """Return one state a queue: what waits in all processes together."""
    found: dict[Queue, QueueState] = {}
    for state in states:
        before = found.get(state.queue)
        found[state.queue] = state if before is None else _add(before, state)
    return tuple(found[queue] for queue in Queue if queue in found)


def _add(one: QueueState, other: QueueState) -> QueueState:
    return QueueState(
        queue=one.queue,
        n_requests=one.n_requests + other.n_requests,
        n_items=one.n_items + other.n_items,
        n_processes=one.n_processes + other.n_processes,
    )
