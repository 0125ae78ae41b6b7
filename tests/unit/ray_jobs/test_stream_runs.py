"""A run whose source is a stream: where it goes on from, and what it commits with its rows."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import SnapshotManifest
from eagleray.contracts.sources import StreamMove
from eagleray.errors import StreamMovedError
from indexes.snapshots.aliases import AliasMove, move_alias
from indexes.snapshots.catalog import put_collection, put_snapshot
from indexes.snapshots.positions import write_positions
from indexes.snapshots.streams import read_stream_position
from indexes.storage import open_store
from ray_jobs import pipeline
from ray_jobs.delivery_run import find_base, find_move
from ray_jobs.pipeline import execute
from tests.small_collections import SPEC

EMPTY = SnapshotManifest(
    collection=SPEC, segments=(), patches=(), parent=None, n_rows=0, n_documents=0, attributes={}
)
TRADES = SimpleNamespace(name="trades", is_stream=True)
PLAN = SimpleNamespace(position={"0": "9"})


@pytest.fixture
def store(tmp_path):
    """A store whose published snapshot holds five messages of a stream, and files of a source of its name."""
    found = open_store(tmp_path)
    put_collection(found, SPEC)
    snapshot = put_snapshot(found, replace(EMPTY, watermarks={"trades": '{"0":"5"}'}))
    write_positions(Collection(found, SPEC.name), snapshot, positions={"trades": {"a.txt": "mark"}})
    move_alias(
        Collection(found, SPEC.name),
        "live",
        move=AliasMove(expected=None, snapshot=snapshot, reason="r", now=1),
    )
    return found


@pytest.fixture
def no_stages(monkeypatch):
    """Let a run go through no stage, as one whose records change nothing."""
    monkeypatch.setattr(pipeline, "PIPELINE", ())


def make_run(store, move):
    plan = SimpleNamespace(parent=find_base(Collection(store, SPEC.name), "live").snapshot)
    return SimpleNamespace(store=store, spec=SPEC, plan=plan, move=move, relabels=False)


def test_a_stream_goes_on_from_the_manifest_and_files_from_what_is_kept_beside_it(store):
    base = find_base(Collection(store, SPEC.name), "live")
    assert base.find_position(TRADES) == {"0": "5"}
    assert base.find_position(SimpleNamespace(name="trades", is_stream=False)) == {"a.txt": "mark"}
    assert find_base(Collection(store, SPEC.name), "other").find_position(TRADES) == {}


def test_a_run_moves_its_stream_also_where_its_records_change_nothing(store, no_stages):
    move = find_move(TRADES, find_base(Collection(store, SPEC.name), "live"), PLAN)
    outcome = execute(make_run(store, move))
    assert read_stream_position(outcome.manifest, "trades") == {"0": "9"}
    assert execute(make_run(store, None)).manifest is None


def test_a_run_whose_stream_stands_elsewhere_makes_no_snapshot(store, no_stages):
    move = StreamMove(stream="trades", expected={"0": "4"}, position={"0": "9"})
    with pytest.raises(StreamMovedError, match="'trades'"):
        execute(make_run(store, move))
