"""Many questions at once over HTTP: one snapshot, all or none, a record each."""

from __future__ import annotations

import pytest

from eagleray.contracts.collections import Collection
from indexes.snapshots.aliases import AliasMove, move_alias
from tests.small_collections import SPEC, put_small_snapshot
from tests.waiting import block_until

PATH = f"/collections/{SPEC.name}/search/batch"
QUESTIONS = [
    {"query": "swap bond", "k": 3},
    {"query": "curve", "mode": "lexical", "granularity": "chunk", "filter": "year >= 2003"},
    {"query": "margin", "mode": "dense", "as_of": "1970-03-01"},
    {"like": "doc-2"},
]


def test_each_answer_is_that_of_the_question_alone(serve_with):
    async def ask(served):
        answer = await served.client.post(PATH, json={"questions": QUESTIONS})
        assert answer.status_code == 200, answer.text
        alone = [(await served.search(**question)).json() for question in QUESTIONS]
        assert answer.json() == {"snapshot": served.watcher.state.snapshot, "answers": alone}
        assert sum(len(item["hits"]) for item in alone) > 4

    serve_with(ask, groups=("rates", "credit"))


def test_a_publish_in_the_middle_changes_no_answer(serve_with, monkeypatch):
    async def ask(served):
        older, newer = served.watcher.state.snapshot, put_small_snapshot(served.store, seed=2)
        lease = await served.watcher.lease()
        kind = type(lease.engine)
        lease.release()
        search, asked = kind.search, []

        def search_and_publish(engine, request, **more):
            asked.append(engine.snapshot)
            if len(asked) == 1:
                move = AliasMove(expected=older, snapshot=newer, reason="publish", now=2)
                move_alias(Collection(served.store, SPEC.name), "live", move=move)
                block_until(lambda: served.watcher.state.snapshot == newer)
            return search(engine, request, **more)

        monkeypatch.setattr(kind, "search", search_and_publish)
        questions = [{"query": "swap", "mode": "lexical"}] * 5
        answer = (await served.client.post(PATH, json={"questions": questions})).json()
        assert served.watcher.state.snapshot == newer
        assert {item["snapshot"] for item in answer["answers"]} == {answer["snapshot"]} == {older}
        assert asked.count(older) == 5

    serve_with(ask)


def test_each_question_has_a_record_under_one_name(serve_with):
    async def ask(served):
        answer = await served.client.post(PATH, json={"questions": QUESTIONS, "snapshot": ""})
        assert len(served.recorded) == len(QUESTIONS)
        assert {ended.request_id for ended in served.recorded} == {answer.headers["x-request-id"]}
        for ended, shown in zip(served.recorded, answer.json()["answers"], strict=True):
            assert [hit.doc_id for hit in ended.outcome.hits] == [hit["doc_id"] for hit in shown["hits"]]

    serve_with(ask, groups=("rates", "credit"))


def test_one_that_cannot_be_answered_leaves_all_unanswered_and_recorded_so(serve_with):
    async def ask(served):
        questions = [*QUESTIONS[:3], {"query": "swap", "filter": "nothing = 1"}]
        answer = await served.client.post(PATH, json={"questions": questions})
        assert answer.status_code == 400
        assert "hits" not in answer.text
        assert [type(ended.outcome).__name__ for ended in served.recorded] == ["FilterColumnError"] * 4

    serve_with(ask)


@pytest.mark.parametrize(
    "questions",
    [
        [],
        [{"query": "swap"}] * 257,
        [{"query": "swap", "k": 1_000}] * 11,
        [{"query": "swap", "k": 1, "rerank": 1_000}] * 11,
        [{"query": "swap", "snapshot": "0" * 64}],
        [{"query": "swap"}, {"query": "swap", "k": 0}],
    ],
)
def test_more_than_may_be_asked_at_once_is_refused(serve_with, questions):
    async def ask(served):
        answer = await served.client.post(PATH, json={"questions": questions})
        assert answer.status_code == 422, answer.text
        assert not served.recorded

    serve_with(ask)


def test_as_many_as_may_be_asked_are_answered(serve_with):
    async def ask(served):
        questions = [{"query": "swap", "k": 39, "mode": "lexical"}] * 256
        answer = await served.client.post(PATH, json={"questions": questions, "explain": True})
        assert answer.status_code == 200
        told = answer.json()["answers"]
        assert len(told) == len(served.recorded) == 256
        assert all(item["explanation"]["snapshot"] == item["snapshot"] for item in told)

    serve_with(ask)
