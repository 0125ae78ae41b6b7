from __future__ import annotations

import os
import time

import pytest

from eagleray.contracts.collections import Collection
from eagleray.errors import IntegrityError, NotPublishedError
from indexes.runs.markers import Stage
from indexes.runs.states import RunStatus, find_run, list_runs
from indexes.storage import open_store
from ray_jobs.ledger import Ledger

PLAN = {"started_at": 5, "source": "desk", "parent": None}


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path)


def begin(store, run, **changes):
    ledger = Ledger(Collection(store, "notes"), run_id=run)
    ledger.begin({**PLAN, **changes})
    return ledger


def test_a_run_is_open_until_its_end_is_noted_and_open_again_when_it_is_begun_again(store):
    ledger = begin(store, "run")
    assert find_run(Collection(store, "notes"), "run").status is RunStatus.OPEN
    ledger.end(error="GateError", now=9)
    state = find_run(Collection(store, "notes"), "run")
    assert (state.status, state.error, state.ended_at) == (RunStatus.FAILED, "GateError", 9)
    begin(store, "run", started_at=6)
    state = find_run(Collection(store, "notes"), "run")
    assert (state.status, state.error, state.ended_at, state.started_at) == (RunStatus.OPEN, "", None, 5)
    ledger.end(error="", now=10)
    assert find_run(Collection(store, "notes"), "run").status is RunStatus.ENDED


def test_stages_are_counted_in_their_order_by_finished_shards_alone(store, tmp_path):
    ledger = begin(store, "run")
    ledger.record(Stage.EMBED, "x", {})
    for key in "abc":
        ledger.record(Stage.INGEST, key, {})
    store.write(ledger.locate(Stage.INGEST, "a", "dead.jsonl"), b"{}\n")
    os.utime(tmp_path / ledger.locate(Stage.INGEST, "b", "json"), (7, 7))
    first, second = find_run(Collection(store, "notes"), "run").stages
    assert [(item.stage, item.n_done) for item in (first, second)] == [(Stage.INGEST, 3), (Stage.EMBED, 1)]
    assert first.first_at == 7_000_000 < first.last_at <= time.time_ns() // 1000


def test_the_newest_runs_come_first_and_no_more_than_are_wanted(store, tmp_path):
    for place, run in enumerate(["b", "c", "a"]):
        folder = begin(store, run).folder
        os.utime(tmp_path / folder / "plan.json", (place, place))
    store.write("notes/runs/last.json", b"{}")
    store.write("notes/runs/positions/x.json", b"{}")
    assert [state.run for state in list_runs(Collection(store, "notes"), limit=9)] == ["a", "c", "b"]
    assert [state.run for state in list_runs(Collection(store, "notes"), limit=2)] == ["a", "c"]
    assert list_runs(Collection(store, "others"), limit=9) == []


@pytest.mark.parametrize("run", ["", "..", ".", "x/y", "positions", "gone"])
def test_what_is_no_run_is_not_found(store, run):
    begin(store, "run")
    store.write("notes/runs/positions/x.json", b"{}")
    with pytest.raises(NotPublishedError):
        find_run(Collection(store, "notes"), run)


def test_a_damaged_plan_is_found(store):
    folder = begin(store, "run").folder
    store.write(f"{folder}/plan.json", b"{}")
    with pytest.raises(IntegrityError):
        find_run(Collection(store, "notes"), "run")
