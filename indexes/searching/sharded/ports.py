"""How the shards of a snapshot are reached: all at the same time, each in whatever process it is."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from eagleray.contracts.asked_snapshots import AskedSnapshot
from indexes.searching.sharded.shard import Shard, Step

Answer = TypeVar("Answer")
AnswerOut = TypeVar("AnswerOut", covariant=True)


class Pending(Protocol[AnswerOut]):
    """An answer that may still be on its way; a future is one."""

    def result(self) -> AnswerOut:
        """Return the answer, or raise why there is none; waits until then."""
        ...


class ShardPort(Protocol):
    """Reaches one shard, or any of several that hold the same segments of the same snapshot."""

    def answer(self, step: Step[Answer]) -> Pending[Answer]:
        """Send a step to the shard, and do not wait for its answer."""
        ...

    def under(self, asked: AskedSnapshot) -> ShardPort:
        """Return what reaches the same shard, to answer by the entitlements that rule the snapshot."""
        ...


@dataclass(frozen=True, slots=True)
class _Done(Generic[Answer]):
    value: Answer

    def result(self) -> Answer:
        return self.value


class DirectPort:
    """A shard of this process, in the caller's thread."""

    def __init__(self, shard: Shard) -> None:
        self._shard = shard

    def answer(self, step: Step[Answer]) -> Pending[Answer]:
        """Return the answer; see `ShardPort`."""
        return _Done(self._shard.answer(step))

    def under(self, asked: AskedSnapshot) -> DirectPort:
        """Return a port to what answers as asked; see `ShardPort`."""
        return DirectPort(self._shard.under(asked))


class ThreadPort:
    """A shard of this process, in other threads."""

    def __init__(self, shard: Shard, threads: Executor) -> None:
        """Take a shard.

        Args:
            shard: answers.
            threads: in which it does.
        """
        self._shard, self._threads = shard, threads

    def answer(self, step: Step[Answer]) -> Pending[Answer]:
        """Send the step; see `ShardPort`."""
        return self._threads.submit(self._shard.answer, step)

    def under(self, asked: AskedSnapshot) -> ThreadPort:
        """Return a port to what answers as asked; see `ShardPort`."""
        return ThreadPort(self._shard.under(asked), self._threads)


def ask_all(ports: Sequence[ShardPort], step: Step[Answer]) -> list[Answer]:
    """Return what each shard answers to the same step, in the order of the ports.

    Raises:
        Exception: what the first of the shards that failed raised; then there is no answer.
    """
    pending = [port.answer(step) for port in ports]
    return [item.result() for item in pending]
