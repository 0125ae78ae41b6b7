from __future__ import annotations

import json

import pytest

from eagleray.contracts.answers import show_response
from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import Granularity, SearchMode, SearchRequest
from eagleray.contracts.principals import Principal
from indexes.masks.grammar import parse_filter
from indexes.snapshots.aliases import AliasMove, move_alias
from tests.small_collections import SPEC, put_grown_snapshot

GROUPS = ("rates", "credit", "desk")


def show(response):
    """Return what HTTP should give of an answer of the engine."""
    shown = json.loads(json.dumps(show_response(response, is_explained=False)))
    for hit in shown["hits"]:
        hit["chunk_id"] = str(hit["chunk_id"])
    return shown


@pytest.mark.parametrize("mode", list(SearchMode))
@pytest.mark.parametrize("groups", [(), GROUPS])
@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({}, {}),
        ({"granularity": "chunk", "k": 3}, {"granularity": Granularity.CHUNK, "k": 3}),
        ({"as_of": "1970-03-01"}, {"as_of": 59 * 86_400_000_000}),
        ({"filter": "year >= 2000"}, {"filter": parse_filter("year >= 2000")}),
        ({"filter": {"year": {"gte": 2000}}}, {"filter": parse_filter("year >= 2000")}),
    ],
    ids=["plain", "chunks", "as-of", "text-filter", "json-filter"],
)
def test_the_answer_is_that_of_the_engine_for_the_same_caller(serve_with, mode, groups, body, wanted):
    async def ask(served):
        answer = await served.search(query="swap bond", mode=mode, **body)
        principal = Principal(subject="test", groups=frozenset(groups))
        request = SearchRequest(query="swap bond", mode=mode, principal=principal, **wanted)
        engine = served.open_engine(served.watcher.state.snapshot)
        assert answer.status_code == 200, answer.text
        assert answer.json() == show(engine.search(request))

    serve_with(ask, groups=groups)


def test_an_empty_time_is_no_time_and_does_not_ask_the_latest_state(serve_with):
    async def ask(served):
        answer = await served.search(query="swap", as_of="")
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:eagleray:problem:invalid-time")
        assert (await served.search(query="swap", as_of=None)).status_code == 200

    serve_with(ask)


def test_a_hit_has_what_to_show_of_it_with_the_words_of_the_question(serve_with):
    async def ask(served):
        (hit,) = (await served.search(query="what is a swap", k=1)).json()["hits"]
        snippet = hit["snippet"]
        assert [hit["text"][span["start"] : span["end"]] for span in snippet["spans"]] == [snippet["text"]]
        for text, marks in ((hit["text"], hit["highlights"]), (snippet["text"], snippet["highlights"])):
            assert {text[mark["start"] : mark["end"]] for mark in marks} == {"swap"}

    serve_with(ask)


def test_a_publish_is_served_and_a_request_that_names_the_older_snapshot_still_gets_it(serve_with):
    async def ask(served):
        older = served.watcher.state.snapshot
        before = (await served.search(query="swap")).json()
        newer = put_grown_snapshot(served.store, older)
        move = AliasMove(expected=older, snapshot=newer, reason="publish", now=2)
        move_alias(Collection(served.store, SPEC.name), "live", move=move)
        while (await served.search(query="swap")).json()["snapshot"] != newer:
            pass
        assert (await served.search(query="swap", snapshot=older)).json() == before

    serve_with(ask)


def test_an_explanation_comes_where_it_is_asked_for(serve_with):
    async def ask(served):
        assert "explanation" not in (await served.search(query="swap")).json()
        told = (await served.search(query="swap", explain=True)).json()["explanation"]
        assert told["snapshot"] == served.watcher.state.snapshot
        assert told["n_visible"] > 0

    serve_with(ask)


def test_health_says_whether_a_question_is_answered_and_where_the_alias_stands(serve_with):
    async def ask(served):
        assert (await served.client.get("/health/live")).json() == {"status": "live"}
        ready = await served.client.get("/health/ready")
        assert ready.status_code == 200
        assert ready.json()["snapshot"] == ready.json()["wanted"] == served.watcher.state.snapshot

    serve_with(ask)


def test_every_question_that_is_asked_stands_in_the_record_answered_or_not(serve_with):
    async def ask(served):
        snapshot = served.watcher.state.snapshot
        answer = (await served.search(query="swap", k=3)).json()
        await served.search(query="swap", filter="nothing = 1")
        await served.search(query="swap", snapshot="0" * 64)
        first, second, third = served.recorded
        assert [hit["doc_id"] for hit in answer["hits"]] == [hit.doc_id for hit in first.outcome.hits]
        assert (first.request.query, first.request.k) == ("swap", 3)
        assert first.outcome.explanation.snapshot == snapshot
        assert first.latency_us > 0
        assert [type(ended.outcome).__name__ for ended in (second, third)] == [
            "FilterColumnError",
            "NotPublishedError",
        ]
        assert third.snapshot.snapshot == "0" * 64

    serve_with(ask)


def test_no_answer_is_given_without_a_record(serve_with):
    async def ask(served):
        answer = await served.search(query="swap")
        assert answer.status_code == 503
        assert "hits" not in answer.text

    serve_with(ask, can_record=False)
