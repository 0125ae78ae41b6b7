"""A merger and its shards as Ray Serve runs them, in one loop: moves under load, and replicas that die."""

from __future__ import annotations

import asyncio
import pickle
import warnings
from dataclasses import replace
from functools import partial

import pytest

from eagleray.contracts.asked_snapshots import ask_own
from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.errors import NotPublishedError, UnavailableError
from indexes.snapshots.aliases import AliasMove, move_alias
from indexes.storage import open_store
from serve.composition.models import Models
from tests.small_collections import SPEC, put_small_snapshot
from tests.small_searchers import FixedEmbedder, open_engine

pytest.importorskip("ray", reason="ray is not installed: pip install 'eagleray[ray]'")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what Ray Serve imports is deprecated elsewhere
    from ray.exceptions import RayActorError

    from serve.deployments import searcher
    from serve.deployments.arguments import Arguments
    from serve.deployments.shard import SegmentShard

CALLER = Principal(subject="a", groups=frozenset({"rates", "credit", "desk"}))
REQUESTS = [SearchRequest(query="swap curve", mode=mode, k=20, principal=CALLER) for mode in SearchMode]


class Handle:
    """Calls a replica as a handle of Ray Serve does: by bytes, and some calls meet one that dies."""

    def __init__(self, replica, n_dying=0):
        self._replica, self.n_dying = replica, n_dying

    def __getattr__(self, name):
        return type("Method", (), {"remote": lambda _, *args: self._call(name, args)})()

    async def _call(self, name, args):
        if self.n_dying:
            self.n_dying -= 1
            raise RayActorError
        found = await getattr(self._replica, name)(*pickle.loads(pickle.dumps(args)))  # noqa: S301 - own bytes
        return pickle.loads(pickle.dumps(found))  # noqa: S301 - own bytes


@pytest.fixture
def arguments(tmp_path, monkeypatch):
    monkeypatch.setattr(searcher, "Models", partial(Models, load=lambda settings: FixedEmbedder()))
    monkeypatch.setenv("EAGLERAY_EMBEDDER__MODEL", "hashing")
    monkeypatch.setenv("EAGLERAY_SERVE__POLL_S", "0.05")
    return Arguments(store=str(tmp_path / "store"), collection=SPEC.name, shards=2, threads=2)


@pytest.fixture
def snapshots(arguments):
    store = open_store(arguments.store)
    return [put_small_snapshot(store, seed) for seed in (7, 8)]


def publish(arguments, snapshot, expected):
    move = AliasMove(snapshot=snapshot, expected=expected, reason="test", now=0)
    move_alias(Collection(open_store(arguments.store), SPEC.name), "live", move=move)


def expect(arguments, snapshot):
    """Return what the whole snapshot answers, one a request."""
    engine = open_engine(open_store(arguments.store), snapshot)
    return [repr(engine.search(request).hits) for request in REQUESTS]


async def start(arguments):
    """Return a merger that is ready, and the handles of its shards."""
    shards = [SegmentShard(arguments, group) for group in range(arguments.shards)]
    for shard in shards:
        await shard.check_health()
    handles = [Handle(shard) for shard in shards]
    merger = searcher.SearcherReplica(arguments, *handles)
    await merger.check_health()
    return merger, handles


def test_answers_are_of_one_snapshot_each_while_the_alias_moves(arguments, snapshots):
    first, second = snapshots
    expected = {snapshot: expect(arguments, snapshot) for snapshot in snapshots}
    publish(arguments, first, None)

    async def body():
        merger, _ = await start(arguments)
        seen, n_moves = set(), 0
        for number in range(600):
            if number == 20 or (n_moves == 1 and second in seen):
                publish(arguments, *((second, first) if n_moves == 0 else (first, second)))
                n_moves, seen = n_moves + 1, seen if n_moves == 0 else {second}
            elif n_moves == 2 and first in seen:
                break
            answers = await asyncio.gather(
                *(merger.search(SPEC.name, request, None, 30.0, {}) for request in REQUESTS)
            )
            for place, answer in enumerate(answers):
                snapshot = answer.explanation.snapshot
                seen.add(snapshot)
                assert repr(answer.hits) == expected[snapshot][place]
            await asyncio.sleep(0.02)
        assert seen == set(snapshots)
        for snapshot in snapshots:
            answer = await merger.search(SPEC.name, REQUESTS[0], ask_own(snapshot), 30.0, {})
            assert repr(answer.hits) == expected[snapshot][0]
        assert isinstance(
            await merger.search(SPEC.name, REQUESTS[0], ask_own("0" * 64), 30.0, {}), NotPublishedError
        )

    asyncio.run(body())


def test_a_replica_that_dies_costs_a_second_try_and_two_cost_the_answer(arguments, snapshots):
    publish(arguments, snapshots[0], None)
    expected = expect(arguments, snapshots[0])

    async def body():
        merger, handles = await start(arguments)
        handles[1].n_dying = 1
        answer = await merger.search(SPEC.name, REQUESTS[-1], None, 30.0, {})
        assert repr(answer.hits) == expected[-1]
        handles[1].n_dying = 2
        assert isinstance(await merger.search(SPEC.name, REQUESTS[-1], None, 30.0, {}), UnavailableError)
        answer = await merger.search(SPEC.name, replace(REQUESTS[-1], k=3), None, 30.0, {})
        assert len(answer.hits) == 3

    asyncio.run(body())
