"""Pages of a search: parts of one ranking, on one snapshot, for one caller."""

from __future__ import annotations

import base64
import json

import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import Fusion
from indexes.snapshots.aliases import AliasMove, move_alias
from serve.audit.request_entries import read_request
from tests.audit_records import record_one
from tests.small_collections import SPEC, put_grown_snapshot

WHOLE = {"query": "swap bond", "mode": "hybrid", "granularity": "chunk"}


async def follow(served, **body):
    """Return the hits of all pages, one list a page."""
    pages, cursor = [], ""
    while cursor is not None:
        answer = await served.search(**body, cursor=cursor)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json()["hits"])
        cursor = answer.json()["next"]
    return pages


@pytest.mark.parametrize("mode", ["dense", "lexical", "hybrid"])
@pytest.mark.parametrize(
    "ranking",
    [{}, {"fusion": str(Fusion.RECIPROCAL_RANK)}, {"diversity": 0.5}],
    ids=["convex", "ranks", "diverse"],
)
def test_pages_are_the_parts_of_one_ranking(serve_with, mode, ranking):
    async def ask(served):
        body = {**WHOLE, "mode": mode, "ranking": ranking}
        whole = (await served.search(**body, k=12)).json()["hits"]
        pages = await follow(served, **body, k=3, pages=4)
        assert [hit for page in pages for hit in page] == whole
        assert [len(page) for page in pages[:-1]] == [3] * (len(pages) - 1)
        assert len(pages) >= 2

    serve_with(ask)


def test_pages_stay_on_the_snapshot_of_the_first_whatever_is_published(serve_with):
    async def ask(served):
        older = served.watcher.state.snapshot
        whole = (await served.search(**WHOLE, k=8)).json()["hits"]
        first = (await served.search(**WHOLE, k=4, pages=2)).json()
        newer = put_grown_snapshot(served.store, older)
        move = AliasMove(expected=older, snapshot=newer, reason="publish", now=2)
        move_alias(Collection(served.store, SPEC.name), "live", move=move)
        while (await served.search(query="swap")).json()["snapshot"] != newer:
            pass
        second = (await served.search(**WHOLE, k=4, pages=2, cursor=first["next"])).json()
        assert first["hits"] + second["hits"] == whole
        assert (second["snapshot"], second["next"]) == (older, None)

    serve_with(ask)


@pytest.mark.parametrize(
    "change",
    [
        {"query": "swap"},
        {"k": 3},
        {"pages": 3},
        {"as_of": "1970-03-01"},
        {"filter": "year >= 2000"},
        {"ranking": {"dense_weight": 0.2}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_cursor_of_another_question_is_refused(serve_with, change):
    async def ask(served):
        body = {**WHOLE, "k": 2, "pages": 4}
        cursor = (await served.search(**body)).json()["next"]
        assert (await served.search(**body, cursor=cursor, explain=True)).status_code == 200
        refused = await served.search(**{**body, **change}, cursor=cursor)
        assert (refused.status_code, refused.json()["type"]) == (400, "urn:eagleray:problem:input")
        assert "another question" in refused.json()["detail"]

    serve_with(ask)


def test_a_cursor_of_somebody_else_is_refused_and_one_made_up_shows_no_more_than_its_maker_may_see(
    serve_with,
):
    async def ask(served):
        body = {**WHOLE, "k": 1, "pages": 5}
        cursor = (await served.search(**body)).json()["next"]
        held = json.loads(base64.urlsafe_b64decode(cursor))
        for change in ({"skip": 0}, {"skip": 5}, {"skip": -1}, {"snapshot": "../x"}, {"question": "0" * 32}):
            made_up = base64.urlsafe_b64encode(json.dumps({**held, **change}).encode()).decode()
            assert (await served.search(**body, cursor=made_up)).status_code == 400, change
        for broken in ("?", "e30=", cursor[:-9]):
            assert (await served.search(**body, cursor=broken)).status_code == 400, broken
        whole = {hit["chunk_id"] for hit in (await served.search(**WHOLE, k=100)).json()["hits"]}
        skipped = base64.urlsafe_b64encode(json.dumps({**held, "skip": 3}).encode()).decode()
        shown = (await served.search(**body, cursor=skipped)).json()["hits"]
        assert {hit["chunk_id"] for hit in shown} <= whole

    serve_with(ask)


def test_more_hits_than_a_search_gives_are_refused(serve_with):
    async def ask(served):
        refused = await served.search(query="swap", k=100, pages=11)
        assert refused.status_code == 422
        assert "11 pages of 100 hits" in refused.text

    serve_with(ask)


def test_a_page_is_recorded_as_it_was_asked_for(serve_with):
    async def ask(served):
        cursor = (await served.search(**WHOLE, k=2, pages=3)).json()["next"]
        shown = (await served.search(**WHOLE, k=2, pages=3, cursor=cursor)).json()
        ended = served.recorded[-1]
        assert (ended.request.k, ended.request.page.skip, ended.request.page.n) == (6, 2, 2)
        entry = record_one(ended.request, ended.outcome)
        assert read_request(entry).request == ended.request
        assert [str(hit.chunk_id) for hit in entry.hits] == [hit["chunk_id"] for hit in shown["hits"]]

    serve_with(ask)
