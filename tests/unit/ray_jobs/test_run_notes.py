"""What a run notes of its end, for those who read metrics."""

from __future__ import annotations

import pytest

from eagleray.contracts.collections import Collection
from eagleray.errors import IntegrityError, StoreError
from indexes.runs.ended import read_ended_run
from indexes.runs.layout import locate_ended_run
from indexes.storage import open_store
from ray_jobs.ledger import Ledger
from ray_jobs.run_notes import noting_end


@pytest.fixture
def collection(tmp_path):
    return Collection(open_store(tmp_path), "notes")


def test_a_collection_knows_how_its_last_run_ended_and_what_it_did(collection):
    assert read_ended_run(collection) is None
    with noting_end(Ledger(collection, run_id="first")) as note:
        note(
            {"documents_read": 8, "documents_new": 5, "versions_added": 6, "dead_letters": 2, "run": "first"}
        )
    ended = read_ended_run(collection)
    assert (ended.run, ended.error) == ("first", "")
    assert ended.counts == {
        "read": 8,
        "new": 5,
        "versions_added": 6,
        "superseded": 0,
        "removed": 0,
        "set_aside": 2,
    }


def test_a_run_that_fails_has_its_error_and_no_results(collection):
    with pytest.raises(StoreError), noting_end(Ledger(collection, run_id="second")) as note:
        note({"documents_read": 8})
        raise StoreError(path="x", detail="away")
    ended = read_ended_run(collection)
    assert (ended.run, ended.error, set(ended.counts.values())) == ("second", "StoreError", {0})


def test_a_damaged_note_is_found(collection):
    collection.store.write(locate_ended_run("notes"), b'{"run": "first"}')
    with pytest.raises(IntegrityError):
        read_ended_run(collection)
