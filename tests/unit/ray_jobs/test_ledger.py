from __future__ import annotations

import pytest

from eagleray.contracts.collections import Collection
from eagleray.errors import IntegrityError
from indexes.runs.markers import Stage
from indexes.storage import open_store
from ray_jobs.ledger import Ledger


@pytest.fixture
def ledger(tmp_path):
    return Ledger(Collection(open_store(tmp_path), "notes"), run_id="run")


def test_a_marker_is_read_back_as_written(ledger):
    assert ledger.find(Stage.EMBED, "a/b.jsonl@0") is None
    written = ledger.record(Stage.EMBED, "a/b.jsonl@0", {"n": 1})
    assert ledger.find(Stage.EMBED, "a/b.jsonl@0") == written == {"n": 1, "key": "a/b.jsonl@0"}
    assert ledger.find(Stage.BUILD, "a/b.jsonl@0") is None


def test_the_first_plan_of_a_run_stands(ledger):
    assert ledger.begin({"started_at": 1}) == {"started_at": 1}
    assert ledger.begin({"started_at": 2}) == {"started_at": 1}


def test_a_cleared_run_knows_nothing(ledger):
    ledger.begin({"started_at": 1})
    ledger.record(Stage.EMBED, "x", {})
    ledger.clear()
    assert ledger.find(Stage.EMBED, "x") is None
    assert ledger.read_plan() is None


def test_a_damaged_marker_is_found(ledger):
    ledger.record(Stage.EMBED, "x", {"n": 1})
    path = ledger.locate(Stage.EMBED, "x", "json")
    ledger.store.write(path, ledger.store.read(path).replace(b'"n":1', b'"n":2'))
    with pytest.raises(IntegrityError):
        ledger.find(Stage.EMBED, "x")
