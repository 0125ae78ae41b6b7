"""k-means on Ray: blocks of rows stay where they were read, centroids go out, partial sums come back.

Sums come back block by block and in the blocks' order, so the number of actors decides nothing but time.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import ray

from eagleray.contracts.ports import FloatMatrix
from indexes.dense.devices import make_matcher
from indexes.dense.kmeans import Partial, accumulate_block, count_blocks
from indexes.dense.vectors import FloatVector
from ray_jobs.execution import count_workers

P = TypeVar("P")


class BlockHolder:
    """Holds some of the blocks and computes on them, in one thread."""

    def __init__(self, load: Callable[[P], FloatMatrix], payloads: dict[int, P], *, device: str) -> None:
        self._blocks = {number: load(payload) for number, payload in payloads.items()}
        self._matcher = make_matcher(device)

    def accumulate(self, number: int, sent: tuple[FloatMatrix, FloatVector | None]) -> Partial:
        """Return what a block adds to the next centroids; with them come the lists' handicaps."""
        centroids, handicaps = sent
        return accumulate_block(self._blocks[number], centroids, handicaps, matcher=self._matcher)

    def take(self, number: int, n: int) -> FloatMatrix:
        """Return the first `n` rows of a block."""
        return self._blocks[number][:n]


class Passes:
    """Passes over blocks that actors hold; see `indexes.dense.kmeans.Pass`."""

    def __init__(self, holders: Sequence[Any], n_blocks: int) -> None:
        self._holders, self._n_blocks = holders, n_blocks

    def __call__(
        self, centroids: FloatMatrix, handicaps: FloatVector | None, share: float
    ) -> Iterable[Partial]:
        """Yield each block's partial sums, in order; as many are in memory as there are actors."""
        sent = ray.put((centroids, handicaps))
        n_blocks = count_blocks(self._n_blocks, share)
        waiting = [self._ask(number, sent) for number in range(min(len(self._holders), n_blocks))]
        for number in range(n_blocks):
            following = number + len(self._holders)
            if following < n_blocks:
                waiting.append(self._ask(following, sent))
            yield ray.get(waiting[number])
            waiting[number] = None

    def take(self, n: int) -> FloatMatrix:
        """Return about the first `n` rows of all blocks together, as many of each: float32 [n, dim]."""
        each = -(-n // self._n_blocks)
        found = [self._pick(number).take.remote(number, each) for number in range(self._n_blocks)]
        return np.ascontiguousarray(np.concatenate(ray.get(found)))

    def _ask(self, number: int, sent: Any) -> Any:
        return self._pick(number).accumulate.remote(number, sent)

    def _pick(self, number: int) -> Any:
        return self._holders[number % len(self._holders)]


@contextmanager
def spread_blocks(
    load: Callable[[P], FloatMatrix],
    payloads: Sequence[P],
    *,
    workers: int,
    memory_bytes: int,
    device: str = "cpu",
) -> Generator[Passes, None, None]:
    """Give passes over blocks, spread over actors for the length of a `with` block.

    Args:
        load: reads a block, in its actor: float32 [n, dim], always the same bits.
        payloads: one a block, at least one.
        workers: actors of one CPU each; 0 takes every CPU of the cluster.
        memory_bytes: memory each actor reserves of the cluster's.
        device: that compares (`indexes.dense.devices`); each actor holds a GPU where it is not `cpu`.

    Raises:
        EagleRayError: what `load` raised.
    """
    n_gpus = float(device != "cpu")
    n = min(count_workers(workers, n_gpus=n_gpus), len(payloads))
    make: Any = ray.remote(num_cpus=1, num_gpus=n_gpus, memory=memory_bytes)(BlockHolder)
    mine = [{number: payloads[number] for number in range(place, len(payloads), n)} for place in range(n)]
    holders: list[Any] = [make.remote(load, numbered, device=device) for numbered in mine]
    try:
        yield Passes(holders, len(payloads))
    finally:
        for holder in holders:
            ray.kill(holder)
