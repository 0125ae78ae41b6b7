"""Writers as Ray Serve runs them, in one loop: at once, with the same key, and dying before they answer."""

from __future__ import annotations

import asyncio
import time
import warnings
from functools import partial

import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.documents import Document
from eagleray.errors import DeadlineError, NotPublishedError, UnavailableError
from indexes.snapshots.aliases import AliasMove, list_moves, move_alias, read_alias
from indexes.snapshots.opened import open_snapshot
from indexes.storage import open_store
from indexes.writing.requests import Begun, Write, begin_write
from serve.composition.models import Models
from tests.small_collections import SPEC, put_small_snapshot
from tests.unit.serve.http.conftest import PassageEmbedder

pytest.importorskip("ray", reason="ray is not installed: pip install 'eagleray[ray]'")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what Ray Serve imports is deprecated elsewhere
    from ray.exceptions import RayActorError

    from serve.deployments import writer
    from serve.deployments.arguments import Arguments
    from serve.deployments.remote import RemoteWriter
    from tests.integration.test_merging import Handle


class LateDyingHandle(Handle):
    """Calls a replica that dies the first time, once it has done what it was asked."""

    n_calls = 0

    async def _call(self, name, args):
        self.n_calls += 1
        is_first = self.n_calls == 1
        found = await super()._call(name, args)
        if is_first:
            raise RayActorError
        return found


@pytest.fixture
def arguments(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "Models", partial(Models, load=lambda settings: PassageEmbedder()))
    monkeypatch.setenv("EAGLERAY_EMBEDDER__MODEL", "hashing")
    monkeypatch.setenv("EAGLERAY_SERVE__WRITE_NICENESS", "0")  # replicas here are in the tests' process
    return Arguments(store=str(tmp_path / "store"), collection=SPEC.name)


@pytest.fixture
def store(arguments):
    found = open_store(arguments.store)
    move = AliasMove(snapshot=put_small_snapshot(found, seed=7), expected=None, reason="test", now=0)
    move_alias(Collection(found, SPEC.name), "live", move=move)
    return found


def make_write(name, *, store=None):
    """Return a request for one document; with a store it has a key."""
    now = time.time_ns() // 1_000
    document = Document(doc_id=f"doc-of-{name}", title="", text=f"Swap {name}.", known_from=now)
    begun = Begun(name=name, now=now)
    if store is not None:
        begun = begin_write(Collection(store, SPEC.name), alias="live", key=name, digest=name, now=now)
    return Write(begun=begun, documents=(document,))


def list_written(store):
    """Return the names of requests, as often as moves of the alias carried them out."""
    moves = list_moves(
        Collection(store, SPEC.name),
        "live",
        after=0,
        until=read_alias(Collection(store, SPEC.name), "live").sequence,
    )
    return [name for move in moves if move.reason.startswith("write ") for name in move.reason.split(" ")[1:]]


def test_a_request_with_a_key_that_meets_a_dying_writer_is_carried_out_once(arguments, store):
    async def body():
        handle = LateDyingHandle(writer.CollectionWriter(arguments))
        write = make_write("keyed", store=store)
        snapshot = await RemoteWriter(handle, SPEC.name, timeout_s=60.0).write(write)
        assert handle.n_calls == 2
        assert list_written(store) == [write.begun.name]
        assert snapshot == read_alias(Collection(store, SPEC.name), "live").snapshot

    asyncio.run(body())


def test_one_without_a_key_is_not_sent_twice(arguments, store):
    async def body():
        handle = LateDyingHandle(writer.CollectionWriter(arguments))
        with pytest.raises(UnavailableError):
            await RemoteWriter(handle, SPEC.name, timeout_s=60.0).write(make_write("plain"))
        assert handle.n_calls == 1
        assert list_written(store) == ["plain"]

    asyncio.run(body())


def test_errors_arrive_as_themselves_and_time_is_bounded(arguments, store):
    async def body():
        elsewhere = writer.CollectionWriter(arguments.model_copy(update={"alias": "nowhere"}))
        with pytest.raises(NotPublishedError, match="nowhere"):
            await RemoteWriter(Handle(elsewhere), SPEC.name, timeout_s=60.0).write(make_write("lost"))
        here = writer.CollectionWriter(arguments)
        await here.check_health()
        with pytest.raises(DeadlineError):
            await RemoteWriter(Handle(here), SPEC.name, timeout_s=1e-4).write(make_write("late"))

    asyncio.run(body())


def test_two_writers_at_once_lose_nothing_and_write_the_same_key_once(arguments, store):
    writes = [make_write(f"w{number}", store=store) for number in range(12)]

    async def body():
        remote = [
            RemoteWriter(Handle(writer.CollectionWriter(arguments)), SPEC.name, timeout_s=120.0)
            for _ in range(2)
        ]
        sent = [side.write(write) for write in writes for side in remote]
        return await asyncio.gather(*sent)

    snapshots = asyncio.run(body())
    assert snapshots[::2] == snapshots[1::2]
    assert sorted(list_written(store)) == sorted(write.begun.name for write in writes)
    last = open_snapshot(
        Collection(store, SPEC.name), read_alias(Collection(store, SPEC.name), "live").snapshot
    )
    held = [name for view in last.segments for name in view.rows.column("doc_id").to_pylist()]
    assert sorted(name for name in held if name.startswith("doc-of-")) == sorted(
        f"doc-of-w{number}" for number in range(12)
    )
