"""A named snapshot is read by those who may read it now; what the alias does not lead to is not there."""

from __future__ import annotations

import numpy as np
import pytest

from eagleray.contracts.collections import Collection
from indexes.snapshots.aliases import AliasMove, move_alias, read_alias, rollback
from indexes.snapshots.catalog import load_snapshot, put_snapshot
from indexes.snapshots.opened import open_snapshot
from tests.small_collections import (
    DAY,
    SPEC,
    make_manifest,
    make_rows,
    make_vectors,
    put_changes,
    put_grown_snapshot,
    put_segment,
)

WHOLE = {"query": "swap bond curve", "mode": "lexical", "granularity": "chunk", "k": 100}


async def move(served, snapshot):
    """Move the alias, and wait until it is followed."""
    current = read_alias(Collection(served.store, SPEC.name), "live").snapshot
    moved = AliasMove(expected=current, snapshot=snapshot, reason="publish", now=2)
    move_alias(Collection(served.store, SPEC.name), "live", move=moved)
    await follow(served, snapshot)


async def follow(served, snapshot):
    assert await served.watcher.take(snapshot, timeout_s=20.0), served.watcher.state


def regroup(store, snapshot, groups):
    """Return a later snapshot in which documents have other groups."""
    views = open_snapshot(Collection(store, SPEC.name), snapshot).segments
    changes = [
        (int(view.chunk_ids[row]), None, groups[name])
        for view in views
        for row, name in enumerate(view.rows["doc_id"].to_pylist())
        if name in groups
    ]
    return put_grown_snapshot(store, snapshot, patches=(put_changes(store, changes),))


async def ask_everywhere(served, snapshot, doc_id):
    """Return whether a document of a snapshot is found, by each way to ask for it."""
    body, path = {"snapshot": snapshot}, f"/collections/{SPEC.name}"
    found = (await served.search(**WHOLE, **body)).json()["hits"]
    batch = await served.client.post(f"{path}/search/batch", json={"questions": [WHOLE], **body})
    counts = await served.client.post(f"{path}/facets", json={"column": "doc_id", "n": 100, **body})
    shown = await served.client.get(f"{path}/documents", params={"doc_id": doc_id, **body})
    like = await served.search(query="", like=doc_id, **body)
    page = (await served.search(**{**WHOLE, "k": 50}, pages=2, **body)).json()["hits"]
    return [
        doc_id in {hit["doc_id"] for hit in found},
        doc_id in {hit["doc_id"] for hit in batch.json()["answers"][0]["hits"]},
        doc_id in {item["value"] for item in counts.json()["values"]},
        shown.status_code == 200,
        like.status_code == 200,
        doc_id in {hit["doc_id"] for hit in page},
    ]


def test_a_named_snapshot_is_read_under_the_groups_of_now_in_every_way(serve_with):
    async def ask(served):
        older = served.watcher.state.snapshot
        assert set(await ask_everywhere(served, older, "doc-2")) == {True}
        assert set(await ask_everywhere(served, older, "doc-3")) == {False}
        await move(served, regroup(served.store, older, {"doc-2": ["desk"], "doc-3": []}))
        assert set(await ask_everywhere(served, older, "doc-2")) == {False}
        assert set(await ask_everywhere(served, older, "doc-3")) == {True}
        await move(served, regroup(served.store, served.watcher.state.snapshot, {"doc-2": []}))
        assert set(await ask_everywhere(served, older, "doc-2")) == {True}

    serve_with(ask)


def test_rows_that_the_newest_snapshot_lacks_are_nobodys(serve_with):
    async def ask(served):
        older = served.watcher.state.snapshot
        before, rng = load_snapshot(Collection(served.store, SPEC.name), older), np.random.default_rng(5)
        rows = make_rows(rng, n_documents=3, first=60)
        segments = (before.segments[1], put_segment(served.store, rows, make_vectors(rng, len(rows))))
        newest = put_snapshot(served.store, make_manifest(served.store, segments, patches=before.patches))
        assert any(await ask_everywhere(served, older, "doc-2"))
        await move(served, newest)
        assert not any(await ask_everywhere(served, older, "doc-2"))

    serve_with(ask)


def strip(answer):
    """Return an answer without what each request has of its own."""
    told = answer.json()
    return answer.status_code, {key: value for key, value in told.items() if key != "request_id"}


@pytest.mark.parametrize("is_rolled_back", [True, False])
def test_what_the_alias_does_not_lead_to_is_there_for_examiners_alone(serve_with, is_rolled_back):
    async def ask(served):
        first = served.watcher.state.snapshot
        hidden = put_grown_snapshot(served.store, first)
        if is_rolled_back:
            await move(served, hidden)
            assert (await served.search(**WHOLE, snapshot=hidden)).status_code == 200
            page = (await served.search(**{**WHOLE, "k": 2}, pages=3)).json()["next"]
            rollback(Collection(served.store, SPEC.name), "live", run="", now=3)
            await follow(served, first)
            again = await served.search(**{**WHOLE, "k": 2}, pages=3, cursor=page)
            assert again.status_code == 404
        nowhere = "0" * 64
        path, query = f"/collections/{SPEC.name}", {"doc_id": "doc-2"}
        for kind in ("search", "search/batch", "facets"):
            bodies = {"search": WHOLE, "search/batch": {"questions": [WHOLE]}, "facets": {"column": "year"}}
            answers = [
                await served.client.post(f"{path}/{kind}", json={**bodies[kind], "snapshot": name})
                for name in (hidden, nowhere)
            ]
            told = [(status, repr(body).replace(hidden, nowhere)) for status, body in map(strip, answers)]
            assert told[0] == told[1]
            assert told[0][0] == 404
        shown = await served.client.get(f"{path}/documents", params={**query, "snapshot": hidden})
        assert shown.status_code == 404
        headers = {"authorization": "Bearer examiner"}
        body = {**WHOLE, "snapshot": hidden}
        examined = await served.client.post(f"{path}/search", json=body, headers=headers)
        assert {"doc-50", "doc-2"} & {hit["doc_id"] for hit in examined.json()["hits"]} != set()
        assert examined.json()["snapshot"] == hidden

    serve_with(ask)


def test_an_explanation_is_the_same_whatever_others_may_read(serve_with):
    async def ask(served):
        body = {**WHOLE, "as_of": "1970-03-01", "explain": True}
        modes = ("lexical", "dense", "hybrid")
        before = [(await served.search(**{**body, "mode": mode})).json() for mode in modes]
        rng = np.random.default_rng(8)
        rows = [
            {**row, "groups": ["desk"]} for row in make_rows(rng, n_documents=9, first=70, known_from=DAY)
        ]
        snapshot = served.watcher.state.snapshot
        manifest = load_snapshot(Collection(served.store, SPEC.name), snapshot)
        segment = put_segment(served.store, rows, make_vectors(rng, len(rows)))
        grown = make_manifest(served.store, (*manifest.segments, segment), patches=manifest.patches)
        await move(served, put_snapshot(served.store, grown))
        after = [(await served.search(**{**body, "mode": mode})).json() for mode in modes]
        newest = served.watcher.state.snapshot
        assert repr(after).replace(newest, snapshot) == repr(before)
        headers = {"authorization": "Bearer examiner"}
        examined = await served.client.post(f"/collections/{SPEC.name}/search", json=body, headers=headers)
        segments = examined.json()["explanation"]["segments"]
        assert [item["n_rows"] for item in segments][-1] == len(rows)

    serve_with(ask)
