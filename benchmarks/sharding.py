"""What sharing a snapshot's segments out over shards costs: time in one process, and bytes between processes.

    python -m benchmarks.sharding --rounds 30

The collection, its questions and their filters are drawn, as `benchmarks.differential` draws them. Each
question is asked of the whole searcher and of shards in turn; answers that differ end the run.
"""

from __future__ import annotations

import argparse
import json
import pickle
import random
import tempfile
import time
from concurrent.futures import Future
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.differential import draw_request
from benchmarks.differential_world import World, make_world
from indexes.searching.sharded.ports import DirectPort, ShardPort
from indexes.searching.sharded.searcher import ShardedSearcher
from indexes.searching.sharded.shard import HeldSegments, Shard
from indexes.searching.targets import TargetFinder
from indexes.shard_service import divide_segments


class CountingPort:
    """Reaches a shard through bytes, and counts them."""

    def __init__(self, shard: Shard) -> None:
        self._shard, self.n_sent, self.n_back, self.n_steps = shard, 0, 0, 0

    def answer(self, step: Any) -> Future[Any]:
        """Send a step; see `ShardPort`."""
        sent = pickle.dumps(step)
        back = pickle.dumps(self._shard.answer(pickle.loads(sent)))  # noqa: S301 - of this process's making
        self.n_sent, self.n_back, self.n_steps = (
            self.n_sent + len(sent),
            self.n_back + len(back),
            self.n_steps + 1,
        )
        future: Future[Any] = Future()
        future.set_result(pickle.loads(back))  # noqa: S301 - of this process's making
        return future


def open_shards(world: World, n_groups: int) -> list[Shard]:
    """Return the shards of a world's segments."""
    shards = []
    for numbers in divide_segments([view.n_rows for view in world.views], n_groups):
        finder = TargetFinder([world.views[number] for number in numbers])
        held = HeldSegments(numbers, finder)
        shards.append(Shard(world.searcher.snapshot, held))
    return shards


def open_sharded(world: World, ports: list[ShardPort]) -> ShardedSearcher:
    """Return the searcher of a world's shards."""
    return ShardedSearcher(
        world.searcher.snapshot,
        ports,
        n_segments=len(world.views),
        embedder=world.embedder,
    )


def time_search(searcher: Any, request: Any, rounds: int) -> float:
    """Return the least microseconds of processor time a question took."""
    least = float("inf")
    for _ in range(rounds):
        started = time.process_time_ns()
        searcher.search(request)
        least = min(least, (time.process_time_ns() - started) / 1e3)
    return least


def main() -> None:
    """Measure, and print a JSON object a number of shards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seed = options.seed
        world = make_world(seed, Path(folder) / str(seed))
        while len(world.rows) < 500 or len(world.views) < 2:
            seed += 1
            world = make_world(seed, Path(folder) / str(seed))
        drawn = random.Random(seed)  # noqa: S311 - draws questions
        requests = [draw_request(drawn) for _ in range(options.questions)]
        for request in requests:
            world.embedder.draw(request.query)
        for n_groups in (1, 2, 4):
            print(json.dumps(measure(world, requests, n_groups, options.rounds)), flush=True)


def measure(world: World, requests: list[Any], n_groups: int, rounds: int) -> dict[str, Any]:
    """Return what a number of shards costs, against the whole searcher."""
    direct = open_sharded(world, [DirectPort(shard) for shard in open_shards(world, n_groups)])
    ports = [CountingPort(shard) for shard in open_shards(world, n_groups)]
    counting = open_sharded(world, list(ports))
    ratios, n_bytes, n_trips = [], [], []
    for request in requests:
        before, steps = sum(port.n_sent + port.n_back for port in ports), max(port.n_steps for port in ports)
        if repr(counting.search(request).hits) != repr(world.searcher.search(request).hits):
            raise SystemExit(f"answers differ: {request}")
        n_bytes.append(sum(port.n_sent + port.n_back for port in ports) - before)
        n_trips.append(max(port.n_steps for port in ports) - steps)
        ratios.append(time_search(direct, request, rounds) / time_search(world.searcher, request, rounds))
    return {
        "shards": n_groups,
        "rows": len(world.rows),
        "segments": len(world.views),
        "questions": len(requests),
        "time_ratio_median": round(median(ratios), 3),
        "bytes_median": median(n_bytes),
        "bytes_most": max(n_bytes),
        "trips_median": median(n_trips),
        "trips_most": max(n_trips),
    }


if __name__ == "__main__":
    main()
