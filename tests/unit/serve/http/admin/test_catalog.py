"""Collections, snapshots and aliases over HTTP."""

from __future__ import annotations

import pytest

from eagleray.contracts.collections import Collection
from indexes.snapshots.aliases import AliasMove, move_alias
from indexes.snapshots.catalog import load_snapshot
from tests.small_collections import SPEC, put_small_snapshot

BASE = f"/collections/{SPEC.name}"
COUNTING = (
    "/snapshots",
    "/snapshots/live",
    "/differences?before=live&after=live",
    "/aliases",
    "/aliases/live",
)


def show_role(name):
    return {"authorization": f"Bearer {name}"}


def move(store, alias, snapshot, *, expected=None):
    wanted = AliasMove(expected=expected, snapshot=snapshot, reason="publish", now=2)
    move_alias(Collection(store, SPEC.name), alias, move=wanted)


def test_a_collection_is_described_without_what_depends_on_its_rows(serve_with):
    async def ask(served):
        listed = (await served.client.get("/collections")).json()
        shown = (await served.client.get(BASE)).json()
        assert listed == {"collections": [shown]}
        assert shown == {
            "name": SPEC.name,
            "alias": "live",
            "snapshot": served.watcher.state.snapshot,
            "model": {"name": "random", "dimension": 16, "max_tokens": 256},
            "chunker": {"max_tokens": 256, "target_tokens": 230, "overlap_tokens": 40},
        }
        assert (await served.client.get("/collections/other")).status_code == 404

    serve_with(ask)


@pytest.mark.parametrize("below", COUNTING)
@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("reader", 403),
        ("nothing", 403),
        ("writer", 200),
        ("publisher", 200),
        ("auditor", 200),
        ("admin", 200),
    ],
)
def test_a_reader_does_not_learn_how_many_rows_there_are(serve_with, below, role, status):
    async def ask(served):
        answer = await served.client.get(BASE + below, headers=show_role(role))
        assert answer.status_code == status, answer.text
        assert (await served.client.get(BASE + below)).status_code == 403

    serve_with(ask)


def test_snapshots_come_newest_first_with_the_aliases_on_each(serve_with):
    async def ask(served):
        first = served.watcher.state.snapshot
        second = put_small_snapshot(served.store, seed=2)
        move(served.store, "next", second)
        path, shown = f"{BASE}/snapshots", show_role("auditor")
        listed = (await served.client.get(path, headers=shown)).json()["snapshots"]
        assert [(item["snapshot"], item["aliases"]) for item in listed] == [
            (second, ["next"]),
            (first, ["live"]),
        ]
        manifest = load_snapshot(Collection(served.store, SPEC.name), second)
        assert (listed[0]["n_rows"], listed[0]["n_documents"]) == (manifest.n_rows, manifest.n_documents)
        limited = (await served.client.get(f"{path}?limit=1", headers=shown)).json()["snapshots"]
        assert limited == listed[:1]

    serve_with(ask)


def test_a_snapshot_is_shown_by_alias_id_or_the_beginning_of_one(serve_with):
    async def ask(served):
        snapshot = served.watcher.state.snapshot
        for name in ("live", snapshot, snapshot[:8]):
            answer = await served.client.get(f"{BASE}/snapshots/{name}", headers=show_role("writer"))
            shown = answer.json()
            assert (shown["snapshot"], shown["aliases"], shown["gate"]) == (snapshot, ["live"], [])
        manifest = load_snapshot(Collection(served.store, SPEC.name), snapshot)
        assert shown["segments"] == list(manifest.segments)
        assert shown["attributes"] == {name: list(kinds) for name, kinds in manifest.attributes.items()}
        gone = await served.client.get(f"{BASE}/snapshots/{'0' * 64}", headers=show_role("writer"))
        assert gone.status_code == 404

    serve_with(ask)


def test_two_snapshots_are_compared(serve_with):
    async def ask(served):
        second = put_small_snapshot(served.store, seed=2)
        path = f"{BASE}/differences?before=live&after={second}"
        shown = (await served.client.get(path, headers=show_role("admin"))).json()
        assert (shown["before"], shown["after"]) == (served.watcher.state.snapshot, second)
        before, after = (
            load_snapshot(Collection(served.store, SPEC.name), shown[side]) for side in ("before", "after")
        )
        assert shown["segments_added"] == list(after.segments)
        assert (shown["n_rows_before"], shown["n_rows_after"]) == (before.n_rows, after.n_rows)
        assert shown["n_superseded"] > 0

    serve_with(ask)


def test_an_alias_shows_its_history(serve_with):
    async def ask(served):
        first = served.watcher.state.snapshot
        second = put_small_snapshot(served.store, seed=2)
        move(served.store, "live", second, expected=first)
        shown = (await served.client.get(f"{BASE}/aliases/live", headers=show_role("admin"))).json()
        assert [item["snapshot"] for item in shown["history"]] == [first, second]
        assert (shown["snapshot"], shown["previous"], shown["sequence"]) == (second, first, 2)
        listed = (await served.client.get(f"{BASE}/aliases", headers=show_role("admin"))).json()["aliases"]
        assert listed == [shown["history"][-1]]
        for alias, status in (("gone", 404), ("NO", 400), ("deadbeef", 400)):
            answer = await served.client.get(f"{BASE}/aliases/{alias}", headers=show_role("admin"))
            assert answer.status_code == status, alias

    serve_with(ask)
