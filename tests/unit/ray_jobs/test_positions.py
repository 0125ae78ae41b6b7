"""What a run keeps of the files it read, also where it is published on top of others' snapshots."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from eagleray.errors import ConflictError
from indexes.snapshots.positions import read_positions, write_positions
from indexes.storage import open_store
from ray_jobs.service import keep_positions

NAME = "notes"
BEGUN, THEIRS, MADE = "a" * 64, "b" * 64, "c" * 64


@pytest.fixture
def store(tmp_path):
    """A store whose parent snapshot was built from one file of each of two sources."""
    found = open_store(tmp_path / "store")
    write_positions(found, NAME, BEGUN, before={"mail": {"m": "1"}}, read=("desk", {"a": "1"}))
    return found


def make_run(store):
    plan = SimpleNamespace(source="desk", parent=BEGUN, marks={"a": "2", "b": "1"})
    return SimpleNamespace(store=store, spec=SimpleNamespace(name=NAME), plan=plan)


def test_files_of_other_sources_that_came_between_are_kept(store):
    run, before = make_run(store), read_positions(store, NAME, BEGUN)
    write_positions(store, NAME, THEIRS, before=before, read=("mail", {"m": "2", "n": "1"}))
    keep_positions(run, before, "live", THEIRS, MADE)
    kept = read_positions(store, NAME, MADE)
    assert kept == {"desk": {"a": "2", "b": "1"}, "mail": {"m": "2", "n": "1"}}


def test_another_run_of_the_same_source_is_a_conflict(store):
    run, before = make_run(store), read_positions(store, NAME, BEGUN)
    write_positions(store, NAME, THEIRS, before=before, read=("desk", {"a": "9"}))
    with pytest.raises(ConflictError, match="another run of it"):
        keep_positions(run, before, "live", THEIRS, MADE)
    assert read_positions(store, NAME, MADE) == {}
