from __future__ import annotations

import json

import pytest

from eagleray.client.event_streams import EventReader
from eagleray.contracts.answers import show_cited_answer
from eagleray.contracts.cited_answers import AskRequest
from eagleray.contracts.hits import Granularity, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.errors import StoreError
from serve.agents.local_answers import answer_without_model
from serve.agents.pipelines import WITHOUT_MODEL
from serve.audit.kinds import KINDS
from serve.audit.request_entries import EndedRequest, read_request, record_request
from tests.small_collections import SPEC

PATH = f"/collections/{SPEC.name}/ask"
SEARCH = f"/collections/{SPEC.name}/search"
GROUPS = ("rates", "credit", "desk")


class FailingPipeline:
    """Gives so many statements of another pipeline, then fails."""

    def __init__(self, inner, n):
        self.name, self._inner, self._n = "failing", inner, n

    async def answer(self, request, searcher):
        n = 0
        async for part in self._inner.answer(request, searcher):
            if n == self._n:
                raise StoreError(path="x", detail="the store is away")
            n += 1
            yield part


def list_events(text):
    return [(event.name, json.loads(event.data)) for event in EventReader(url="x").feed(text.encode())]


def list_entries(served):
    """Return the entries of what was recorded."""
    return [
        record_request(item, questions="text") if isinstance(item, EndedRequest) else item
        for item in served.recorded
    ]


def answer_in_process(served, groups=(), **fields):
    engine = served.open_engine(served.watcher.state.snapshot)
    principal = Principal(subject="test", groups=frozenset(groups))
    search = SearchRequest(query="swap bond", granularity=Granularity.CHUNK, principal=principal)
    shown = show_cited_answer(
        answer_without_model(AskRequest(search=search, **fields), engine), is_explained=False
    )
    for citation in shown["citations"]:
        citation["chunk_id"] = str(citation["chunk_id"])
    return json.loads(json.dumps(shown))


async def ask(served, **body):
    return await served.client.post(PATH, json={"question": "swap bond", **body})


@pytest.mark.parametrize("groups", [(), GROUPS])
def test_the_answer_is_that_of_the_pipeline_for_the_same_caller(serve_with, groups):
    async def compare(served):
        for fields in ({}, {"max_citations": 7}):
            answer = await ask(served, **fields)
            assert answer.status_code == 200, answer.text
            assert answer.json() == answer_in_process(served, groups, **fields)

    serve_with(compare, groups=groups)


def test_a_stream_gives_the_statements_and_the_citations_of_the_whole_answer(serve_with):
    async def compare(served):
        whole = (await ask(served, max_citations=5, explain=True)).json()
        answer = await ask(served, max_citations=5, explain=True, stream=True)
        assert answer.headers["content-type"].startswith("text/event-stream")
        *statements, (name, last) = list_events(answer.text)
        assert name == "answer"
        whole["retrieved"]["explanation"]["timings_ms"] = last["retrieved"]["explanation"]["timings_ms"]
        assert last == whole
        assert [data["statement"] for _, data in statements] == whole["statements"]
        assert [item for _, data in statements for item in data["citations"]] == whole["citations"]
        assert {name for name, _ in statements} == {"statement"}

    serve_with(compare)


def test_each_answer_leaves_one_record_that_can_be_asked_again(serve_with):
    async def compare(served):
        await ask(served)
        await ask(served, stream=True)
        entries = list_entries(served)
        assert [entry.status for entry in entries] == ["ok", "begun", "ok"]
        engine = served.open_engine(served.watcher.state.snapshot)
        for entry in (entries[0], entries[2]):
            assert entry.hits
            assert json.loads(entry.plan)["citations"]
            recorded = read_request(entry, kinds=KINDS)
            assert recorded.ask_again(engine) == ""
            told = json.loads(entry.plan)
            changed = recorded.told.__class__(
                snapshot=entry.snapshot, hits=entry.hits, plan=json.dumps({**told, "said": "0"})
            )
            assert "the answer was" in recorded.replay.compare(changed, recorded.told)

    serve_with(compare)


def fail_after(n):
    """Return pipelines, one of which fails after so many statements."""
    (inner,) = WITHOUT_MODEL
    return (inner, FailingPipeline(inner, n))


def test_what_fails_before_the_first_statement_is_answered_as_any_error(serve_with):
    async def compare(served):
        for stream in (False, True):
            answer = await ask(served, pipeline="failing", stream=stream)
            assert answer.status_code == 503
            assert answer.json()["type"] == "urn:eagleray:problem:store"
        statuses = [entry.status for entry in list_entries(served)]
        assert statuses == ["StoreError", "begun", "StoreError"]

    serve_with(compare, pipelines=fail_after(0))


def test_what_fails_half_way_is_an_event_and_its_record_says_what_was_given(serve_with):
    async def compare(served):
        events = list_events((await ask(served, pipeline="failing", stream=True)).text)
        assert [name for name, _ in events] == ["statement", "error"]
        assert events[1][1]["status"] == 503
        begun, ended = list_entries(served)
        assert (begun.status, ended.status) == ("begun", "StoreError")
        assert json.loads(ended.plan)["statements"] == 1

    serve_with(compare, pipelines=fail_after(1))


def test_the_name_of_another_route_for_the_question_is_told_by_its_name_here(serve_with):
    async def compare(served):
        for path, other, name in ((PATH, "query", "question"), (SEARCH, "question", "query")):
            answer = await served.client.post(path, json={other: "swap bond"})
            assert answer.status_code == 422
            assert f"`{other}` is called `{name}` here" in answer.json()["detail"]

    serve_with(compare)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"pipeline": "extractiv"}, 400),
        ({"question": " "}, 400),
        ({"max_citations": 0}, 422),
        ({"k": 101}, 422),
        ({"like": "doc-2"}, 422),
        ({"filter": "nothing = 1"}, 400),
        ({"snapshot": "0" * 64}, 404),
    ],
)
def test_what_cannot_be_answered_is_refused_streamed_or_not(serve_with, body, status):
    async def compare(served):
        for stream in (False, True):
            assert (await ask(served, **{**body, "stream": stream})).status_code == status

    serve_with(compare)


def test_metrics_count_answers(serve_with):
    async def compare(served):
        await ask(served)
        shown = (await served.client.get("/metrics")).text
        assert 'eagleray_searches_total{kind="answer",outcome="answered"} 1.0' in shown

    serve_with(compare)
