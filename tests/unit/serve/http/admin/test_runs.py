"""Runs and dead letters over HTTP."""

from __future__ import annotations

import json

import pytest

from eagleray.contracts.collections import Collection
from indexes.runs.markers import Stage
from ray_jobs.dead_letters import write_last_run
from ray_jobs.ledger import Ledger
from tests.small_collections import SPEC

BASE = f"/collections/{SPEC.name}"


def as_role(name):
    return {"authorization": f"Bearer {name}"}


@pytest.fixture
def ledger(store):
    """The ledger of a run that ended, with five dead letters."""
    made = Ledger(Collection(store, SPEC.name), run_id="0123456789abcdef")
    made.begin({"started_at": 1_000_000, "source": "desk", "parent": None})
    made.record(Stage.INGEST, "a", {})
    letters = [
        {"source": "desk/a", "position": f"line {n}", "reason": "invalid_json", "detail": "x", "doc_id": ""}
        for n in range(5)
    ]
    lines = "".join(json.dumps(letter) + "\n" for letter in letters)
    store.write(made.locate(Stage.INGEST, "a", "dead.jsonl"), lines.encode())
    made.end(error="", now=3_000_000)
    write_last_run(Collection(store, SPEC.name), made.run_id)
    return made


def test_runs_say_how_far_they_came(serve_with, ledger):
    async def ask(served):
        listed = (await served.client.get(f"{BASE}/runs", headers=as_role("auditor"))).json()
        path = f"{BASE}/runs/{ledger.run_id}"
        shown = (await served.client.get(path, headers=as_role("auditor"))).json()
        assert listed == {"runs": [shown]}
        assert (shown["run"], shown["source"], shown["status"]) == (ledger.run_id, "desk", "ended")
        assert (shown["started_at"], shown["ended_at"]) == (
            "1970-01-01T00:00:01Z",
            "1970-01-01T00:00:03Z",
        )
        assert [(stage["stage"], stage["n_done"]) for stage in shown["stages"]] == [("ingest", 1)]

    serve_with(ask)


def test_dead_letters_come_page_by_page(serve_with, ledger):
    async def ask(served):
        found, after = [], 0
        while after is not None:
            path = f"{BASE}/dead-letters?limit=2&after={after}"
            page = (await served.client.get(path, headers=as_role("writer"))).json()
            assert page["n"] == 5
            found += page["letters"]
            after = page["next"]
        assert [letter["position"] for letter in found] == [f"line {n}" for n in range(5)]
        path = f"{BASE}/dead-letters?run={ledger.run_id}"
        assert (await served.client.get(path, headers=as_role("writer"))).json()["letters"] == found

    serve_with(ask)


@pytest.mark.parametrize(
    ("role", "may_see_runs", "may_see_letters"),
    [
        ("reader", False, False),
        ("writer", True, True),
        ("publisher", True, False),
        ("auditor", True, False),
        ("admin", True, False),
        ("nothing", False, False),
    ],
)
def test_who_may_see_them(serve_with, ledger, role, may_see_runs, may_see_letters):
    async def ask(served):
        for below, may_see in (
            ("runs", may_see_runs),
            (f"runs/{ledger.run_id}", may_see_runs),
            ("dead-letters", may_see_letters),
        ):
            answer = await served.client.get(f"{BASE}/{below}", headers=as_role(role))
            assert answer.status_code == (200 if may_see else 403), below

    serve_with(ask)


def test_what_is_no_run_is_not_found(serve_with):
    async def ask(served):
        headers = as_role("writer")
        for below in ("runs/gone", "runs/%2e%2e", "dead-letters", "dead-letters?run=../x"):
            assert (await served.client.get(f"{BASE}/{below}", headers=headers)).status_code == 404, below
        assert (await served.client.get(f"{BASE}/runs", headers=headers)).json() == {"runs": []}

    serve_with(ask)
