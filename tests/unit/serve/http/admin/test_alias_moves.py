"""Publishing and rolling back over HTTP: the gate, the move, its records, what answers after it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from eagleray.contracts.collections import Collection
from eagleray.errors import AuditError
from indexes.evaluation.reports import load_gate_report
from indexes.segments.segment_upload import locate_segment
from indexes.snapshots.aliases import AliasMove, alias_history, move_alias, read_alias
from indexes.snapshots.catalog import load_snapshot
from tests.small_collections import SPEC, put_small_snapshot

BASE = f"/collections/{SPEC.name}/aliases"
AS_PUBLISHER = {"authorization": "Bearer publisher"}


def publish(served, alias="live", *, role="publisher", **body):
    headers = {"authorization": f"Bearer {role}", "x-request-id": "r-1"}
    return served.client.post(f"{BASE}/{alias}/publish", json=body, headers=headers)


def roll_back(served, alias="live", **body):
    return served.client.post(f"{BASE}/{alias}/rollback", json=body, headers=AS_PUBLISHER)


def read_live(served):
    return read_alias(Collection(served.store, SPEC.name), "live").snapshot


def move_now(store, alias, snapshot, *, expected):
    move = AliasMove(expected=expected, snapshot=snapshot, reason="publish", now=3)
    move_alias(Collection(store, SPEC.name), alias, move=move)


class Recorder:
    """Keeps entries; fails at the one of a given place, and may be told what to do at each."""

    def __init__(self, *, fails_at=None, then=None):
        self.entries, self.fails_at, self.then = [], fails_at, then

    def __call__(self, entry):
        if len(self.entries) == self.fails_at:
            self.fails_at = None
            raise AuditError(detail="the disk is full")
        self.entries.append(entry)
        if self.then is not None:
            self.then(entry)


def test_a_published_snapshot_answers_when_the_answer_comes_and_a_rollback_goes_back(serve_with):
    async def ask(served):
        first, second = read_live(served), put_small_snapshot(served.store, seed=2)
        answer = await publish(served, snapshot=second[:8])
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        assert (shown["snapshot"], shown["previous"], shown["taken"]) == (second, first, True)
        assert shown["reason"] == "publish r-1"
        assert (await served.search(query="swap")).json()["snapshot"] == second
        assert load_gate_report(Collection(served.store, SPEC.name), second).passed
        shown = (await roll_back(served, expected=second)).json()
        assert (shown["snapshot"], shown["previous"], shown["taken"]) == (first, second, True)
        assert (await served.search(query="swap")).json()["snapshot"] == first
        assert (await roll_back(served)).status_code == 404

    serve_with(ask)


def test_an_alias_that_is_not_served_here_moves_and_is_not_taken(serve_with):
    async def ask(served):
        second = put_small_snapshot(served.store, seed=2)
        shown = (await publish(served, "next", snapshot=second)).json()
        assert (shown["snapshot"], shown["previous"], shown["taken"]) == (second, None, False)
        shown = (await publish(served, "live", snapshot="next")).json()
        assert (shown["snapshot"], shown["taken"]) == (second, True)

    serve_with(ask)


@pytest.mark.parametrize("role", ["reader", "writer", "auditor", "admin", "nothing"])
def test_only_a_publisher_moves_an_alias(serve_with, role):
    recorder = Recorder()

    async def ask(served):
        headers = {"authorization": f"Bearer {role}"}
        for verb, body in (("publish", {"snapshot": "live"}), ("rollback", {})):
            answer = await served.client.post(f"{BASE}/live/{verb}", json=body, headers=headers)
            assert answer.status_code == 403
        assert recorder.entries == []

    serve_with(ask, record_change=recorder)


def test_a_snapshot_that_does_not_pass_is_a_problem_that_names_the_failed_checks(serve_with):
    async def ask(served):
        first, second = read_live(served), put_small_snapshot(served.store, seed=2)
        segment = load_snapshot(Collection(served.store, SPEC.name), second).segments[0]
        served.store.write(f"{locate_segment(SPEC.name, segment)}/rows.arrow", b"damaged")
        answer = await publish(served, snapshot=second)
        problem = answer.json()
        assert (answer.status_code, problem["type"]) == (422, "urn:eagleray:problem:gate")
        assert problem["fields"]["snapshot"] == second
        assert "digests" in problem["fields"]["failures"]
        assert read_live(served) == first
        assert [entry.status for entry in served.recorded] == ["begun", "GateError"]

    serve_with(ask)


def test_an_alias_that_points_elsewhere_than_expected_is_a_conflict_before_the_gate_runs(serve_with):
    async def ask(served):
        first, second = read_live(served), put_small_snapshot(served.store, seed=2)
        answer = await publish(served, snapshot=second, expected="0" * 64)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:eagleray:problem:conflict")
        assert load_gate_report(Collection(served.store, SPEC.name), second) is None
        assert (await roll_back(served, expected=second)).status_code == 409
        assert read_live(served) == first

    serve_with(ask)


@pytest.mark.parametrize("is_expected", [False, True])
def test_an_alias_that_moves_while_the_gate_runs_is_a_conflict(serve_with, store, monkeypatch, is_expected):
    first, second = (
        read_alias(Collection(store, SPEC.name), "live").snapshot,
        put_small_snapshot(store, seed=2),
    )
    third, write = put_small_snapshot(store, seed=3), store.write

    def write_and_move(path, data):
        write(path, data)
        if path.endswith(f"{second}.gate.json"):
            move_now(store, "live", third, expected=first)

    monkeypatch.setattr(store, "write", write_and_move)

    async def ask(served):
        answer = await publish(served, snapshot=second, **({"expected": first} if is_expected else {}))
        assert answer.status_code == 409, answer.text
        assert load_gate_report(Collection(store, SPEC.name), second).passed
        assert read_live(served) == third
        assert [entry.status for entry in served.recorded] == ["begun", "ConflictError"]

    serve_with(ask)


def test_a_second_gate_is_refused_while_one_runs_and_a_rollback_is_not(serve_with, store):
    first, second = (
        read_alias(Collection(store, SPEC.name), "live").snapshot,
        put_small_snapshot(store, seed=2),
    )
    is_begun, may_go_on = threading.Event(), threading.Event()

    def hold(entry):
        if entry.action == "publish" and entry.status == "begun" and not is_begun.is_set():
            is_begun.set()
            assert may_go_on.wait(20)

    async def ask(served):
        move_now(store, "other", first, expected=None)
        move_now(store, "other", second, expected=first)
        running = asyncio.create_task(publish(served, snapshot=second))
        assert await asyncio.to_thread(is_begun.wait, 20)
        refused = await publish(served, snapshot=second)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
        assert (await roll_back(served, "other")).json()["snapshot"] == first
        may_go_on.set()
        assert (await running).status_code == 200

    serve_with(ask, record_change=Recorder(then=hold))


def test_a_change_stands_in_the_log_before_and_after(serve_with):
    async def ask(served):
        first, second = read_live(served), put_small_snapshot(served.store, seed=2)
        await publish(served, snapshot=second, expected=first)
        begun, ended = served.recorded
        assert [(entry.action, entry.status) for entry in (begun, ended)] == [
            ("publish", "begun"),
            ("publish", "ok"),
        ]
        assert {entry.request_id for entry in (begun, ended)} == {"r-1"}
        assert (begun.snapshot, ended.snapshot) == ("", second)
        assert f'"expected":"{first}"' in begun.body
        assert f'"previous":"{first}"' in ended.body

    serve_with(ask)


def test_what_cannot_be_recorded_is_not_done(serve_with):
    async def ask(served):
        first, second = read_live(served), put_small_snapshot(served.store, seed=2)
        assert (await publish(served, snapshot=second)).status_code == 503
        assert load_gate_report(Collection(served.store, SPEC.name), second) is None
        assert len(alias_history(Collection(served.store, SPEC.name), "live")) == 1
        assert read_live(served) == first

    serve_with(ask, can_record=False)


def test_what_was_done_is_told_although_its_end_cannot_be_recorded(serve_with):
    recorder = Recorder(fails_at=1)

    async def ask(served):
        second = put_small_snapshot(served.store, seed=2)
        answer = await publish(served, snapshot=second)
        assert (answer.status_code, answer.json()["snapshot"]) == (200, second)
        assert [entry.status for entry in recorder.entries] == ["begun"]

    serve_with(ask, record_change=recorder)
