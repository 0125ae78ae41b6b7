"""A real store whose alias moves while many ask: no request fails, and no answer is of two snapshots."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.principals import Principal
from indexes.snapshots.aliases import AliasMove, move_alias, read_alias
from indexes.storage import open_store
from serve.engine.alias_watcher import AliasWatcher
from serve.engine.search_threads import Answerer, AnswererLimits, SearchThreads
from serve.engine.snapshot_pool import SnapshotPool
from tests.small_collections import SPEC, put_small_snapshot
from tests.small_searchers import open_engine
from tests.waiting import wait_until

N_MOVES, N_CLIENTS = 30, 16
EVERYBODY = Principal(subject="test", groups=frozenset({"rates", "credit", "desk"}))
REQUESTS = [
    SearchRequest(query=query, mode=mode, principal=EVERYBODY)
    for query in ("swap", "bond")
    for mode in SearchMode
]


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store")


def list_hits(response):
    return [(hit.chunk_id, hit.score, hit.known_to) for hit in response.hits]


def test_thirty_publishes_under_load_fail_no_request_and_mix_no_answer(store):
    snapshots = [put_small_snapshot(store, seed=seed) for seed in (1, 2, 3)]
    wanted = {
        name: [list_hits(open_engine(store, name).search(request)) for request in REQUESTS]
        for name in snapshots
    }
    assert len({str(hits) for hits in wanted.values()}) == len(snapshots)
    move_alias(
        Collection(store, SPEC.name),
        "live",
        move=AliasMove(expected=None, snapshot=snapshots[0], reason="publish", now=1),
    )

    def read():
        return read_alias(Collection(store, SPEC.name), "live").snapshot

    async def ask_on(answerer, is_over, seen):
        number = 0
        while not is_over.is_set():
            request = REQUESTS[number % len(REQUESTS)]
            response = await answerer.answer(lambda engine, request=request: engine.search(request))
            name = response.explanation.snapshot
            assert list_hits(response) == wanted[name][number % len(REQUESTS)]
            seen.append(name)
            number += 1

    async def run():
        pool = SnapshotPool(partial(open_engine, store))
        watcher = AliasWatcher(pool, read, probe=lambda engine: engine.search(REQUESTS[0]), interval_s=0.02)
        await watcher.start()
        answerer, is_over, seen = (
            Answerer(watcher, SearchThreads(AnswererLimits(max_waiting=N_CLIENTS))),
            asyncio.Event(),
            [],
        )
        clients = [asyncio.create_task(ask_on(answerer, is_over, seen)) for _ in range(N_CLIENTS)]
        for number in range(1, N_MOVES + 1):
            before, after = snapshots[(number - 1) % 3], snapshots[number % 3]
            move = AliasMove(expected=before, snapshot=after, reason="publish", now=number)
            await asyncio.to_thread(move_alias, Collection(store, SPEC.name), "live", move=move)
            await wait_until(lambda after=after: watcher.state.snapshot == after)
            n_seen = len(seen)
            await wait_until(lambda after=after, n_seen=n_seen: after in seen[n_seen:])
        is_over.set()
        await asyncio.gather(*clients)
        await answerer.threads.close()
        await watcher.close()
        return seen

    assert set(asyncio.run(run())) == set(snapshots)
