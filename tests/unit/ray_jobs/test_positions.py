"""What a run keeps of the files it read, also where it is published on top of others' snapshots."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.sources import StreamMove
from eagleray.errors import ConflictError
from indexes.snapshots.positions import copy_positions, read_mappings, read_positions, write_positions
from indexes.storage import open_store
from ray_jobs.delivery_run import keep_positions

NAME = "notes"
BEGUN, THEIRS, MADE = "a" * 64, "b" * 64, "c" * 64


@pytest.fixture
def store(tmp_path):
    """A store whose parent snapshot was built from one file of each of two sources."""
    found = open_store(tmp_path / "store")
    write_positions(Collection(found, NAME), BEGUN, positions={"mail": {"m": "1"}, "desk": {"a": "1"}})
    return found


def make_run(store, move=None):
    plan = SimpleNamespace(
        source="desk", parent=BEGUN, position={"a": "2", "b": "1"}, mapping_digest="m" * 64
    )
    return SimpleNamespace(store=store, spec=SimpleNamespace(name=NAME), plan=plan, move=move)


def test_files_of_other_sources_that_came_between_are_kept(store):
    run, before = make_run(store), read_positions(Collection(store, NAME), BEGUN)
    write_positions(Collection(store, NAME), THEIRS, positions={**before, "mail": {"m": "2", "n": "1"}})
    keep_positions(run, before, "live", THEIRS, MADE)
    kept = read_positions(Collection(store, NAME), MADE)
    assert kept == {"desk": {"a": "2", "b": "1"}, "mail": {"m": "2", "n": "1"}}


def test_by_which_mapping_each_source_was_read_is_kept_and_copied(store):
    assert read_mappings(Collection(store, NAME), BEGUN) == {}
    run, before = make_run(store), read_positions(Collection(store, NAME), BEGUN)
    write_positions(Collection(store, NAME), THEIRS, positions=before, mappings={"mail": "n" * 64})
    keep_positions(run, before, "live", THEIRS, MADE)
    copy_positions(Collection(store, NAME), MADE, BEGUN)
    assert read_mappings(Collection(store, NAME), BEGUN) == {"mail": "n" * 64, "desk": "m" * 64}
    assert read_positions(Collection(store, NAME), BEGUN)["mail"] == {"m": "1"}


def test_another_run_of_the_same_source_is_a_conflict(store):
    run, before = make_run(store), read_positions(Collection(store, NAME), BEGUN)
    write_positions(Collection(store, NAME), THEIRS, positions={**before, "desk": {"a": "9"}})
    with pytest.raises(ConflictError, match="another run of it"):
        keep_positions(run, before, "live", THEIRS, MADE)
    assert read_positions(Collection(store, NAME), MADE) == {}


def test_the_position_of_a_stream_is_in_its_manifest_and_those_of_files_are_kept_beside_it(store):
    move = StreamMove(stream="desk", expected={}, position={"0": "5"})
    before = read_positions(Collection(store, NAME), BEGUN)
    keep_positions(make_run(store, move), before, "live", BEGUN, MADE)
    assert read_positions(Collection(store, NAME), MADE) == before
