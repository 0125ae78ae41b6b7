"""Responses, asked by OpenAI's own client, which checks the shape of every answer and event."""

from __future__ import annotations

import asyncio
import json

import openai
import pytest

from serve.agents.pipelines import WITHOUT_MODEL
from tests.openai_stores import NOTE, OTHER, fill
from tests.small_collections import SPEC
from tests.unit.serve.http.native.test_cited_answers import fail_after, list_entries
from tests.unit.serve.http.openai.test_chat_completions import ask_natively, run
from tests.unit.serve.http.test_mcp import SlowPipeline

TOOLS = [{"type": "file_search", "vector_store_ids": [SPEC.name]}]
ASKED = {"model": "extractive", "input": "swap bond", "tools": TOOLS}
MESSAGES = [
    {"role": "user", "content": "curve"},
    {"role": "assistant", "content": "A curve."},
    {"role": "user", "content": [{"type": "input_text", "text": "swap bond"}]},
]


async def stream(client, **more):
    return [event async for event in await client.responses.create(**ASKED, **more, stream=True)]


def mask(answer):
    """Return a response without what is of one request."""
    fields = answer.model_dump()
    for item in fields["output"]:
        del item["id"]
    return {name: value for name, value in fields.items() if name not in ("id", "created_at")}


def test_the_question_is_answered_as_the_native_route_answers_it(serve_with):
    async def body(client, served):
        answer = await client.responses.create(**ASKED)
        native = await ask_natively(served)
        call, message = answer.output
        assert (call.type, call.queries, call.status) == ("file_search_call", ["swap bond"], "completed")
        assert (message.role, answer.output_text) == ("assistant", native["text"])
        assert (answer.eagleray, answer.status, answer.store) == (native, "completed", False)
        cited = message.content[0].annotations
        files = list(dict.fromkeys(item["doc_id"] for item in native["citations"]))
        assert len(cited) == len(native["citations"]) > 0
        for annotation, citation in zip(cited, native["citations"], strict=True):
            assert (annotation.type, annotation.file_id) == ("file_citation", citation["doc_id"])
            assert files[annotation.index] == annotation.file_id
            assert annotation.eagleray == {name: citation[name] for name in ("number", "start", "end")}

    run(serve_with, body)


def test_messages_and_the_default_collection_give_the_same_answer(serve_with):
    async def body(client, _):
        whole = await client.responses.create(**ASKED)
        plain = await client.responses.create(model="extractive", input=MESSAGES)
        assert plain.eagleray == whole.eagleray
        assert [item.type for item in plain.output] == ["message"]

    run(serve_with, body)


FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}


def test_functions_of_the_caller_are_accepted_and_not_called(serve_with):
    async def body(client, _):
        whole = await client.responses.create(**ASKED)
        for order in ([FUNCTION, *TOOLS], [*TOOLS, FUNCTION]):
            answer = await client.responses.create(**{**ASKED, "tools": order})
            assert answer.eagleray == whole.eagleray
            assert [item.type for item in answer.output] == ["file_search_call", "message"]
        alone = await client.responses.create(**{**ASKED, "tools": [FUNCTION]})
        assert [item.type for item in alone.output] == ["message"]

    run(serve_with, body)


@pytest.mark.parametrize("more", [{}, {"extra_body": {"as_of": "1960-01-01"}}])
def test_a_stream_has_openais_order_and_ends_with_the_whole_response(serve_with, more):
    async def body(client, _):
        events = await stream(client, **more)
        assert [event.sequence_number for event in events] == list(range(len(events)))
        names = [event.type.removeprefix("response.") for event in events]
        search = [f"file_search_call.{state}" for state in ("in_progress", "searching", "completed")]
        assert names[:9] == [
            *("created", "in_progress", "output_item.added", *search, "output_item.done"),
            *("output_item.added", "content_part.added"),
        ]
        tail = ["output_text.done", "content_part.done", "output_item.done", "completed"]
        assert names[-4:] == tail
        assert set(names[9:-4]) <= {"output_text.delta", "output_text.annotation.added"}
        whole = await client.responses.create(**ASKED, **more)
        assert mask(events[-1].response) == mask(whole)
        deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
        assert "".join(deltas) == whole.output_text
        added = [event.annotation for event in events if event.type.endswith("annotation.added")]
        shown = [item.model_dump() for item in whole.output[-1].content[0].annotations]
        assert [item if isinstance(item, dict) else item.model_dump() for item in added] == shown
        (identity,) = {event.response.id for event in (events[0], events[1], events[-1])}
        assert identity.startswith("resp_")

    run(serve_with, body)


def test_each_response_leaves_one_record_as_the_native_route_does(serve_with):
    async def body(client, served):
        await client.responses.create(**ASKED)
        await stream(client)
        found = [(entry.action, entry.status) for entry in list_entries(served)]
        assert found == [("ask", "ok"), ("ask", "begun"), ("ask", "ok")]

    run(serve_with, body)


def test_what_fails_half_way_is_an_event(serve_with):
    async def body(client, served):
        asked = {**ASKED, "model": "failing"}
        events = [event async for event in await client.responses.create(**asked, stream=True)]
        assert events[-1].type == "response.failed"
        assert "the store is away" in events[-1].response.error.message
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert [entry.status for entry in list_entries(served)] == ["begun", "StoreError"]

    run(serve_with, body, pipelines=fail_after(1))


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/v1/responses", {"input": "swap bond"}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "swap bond"}]}),
    ],
)
def test_a_caller_who_goes_away_ends_the_answer_and_leaves_one_record(serve_with, path, asked):
    (inner,) = WITHOUT_MODEL
    waiting = SlowPipeline(inner)
    body = json.dumps({"model": "slow", "stream": True, **asked}).encode()

    async def compare(served):
        has_begun, sent = asyncio.Event(), [{"type": "http.request", "body": body, "more_body": False}]

        async def receive():
            if sent:
                return sent.pop()
            await has_begun.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            if b"delta" in message.get("body", b""):
                has_begun.set()

        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"host", b"test"), (b"content-type", b"application/json")],
            "http_version": "1.1",
            "scheme": "http",
            "client": ("127.0.0.1", 1),
            "server": ("test", 80),
        }
        async with asyncio.timeout(20):
            await served.app(scope, receive, send)
            await waiting.is_ended.wait()
        await served.uncancellable.close()
        begun, ended = list_entries(served)
        assert (begun.status, ended.status) == ("begun", "cancelled")
        assert json.loads(ended.plan)["statements"] == 1

    serve_with(compare, pipelines=(inner, waiting))


@pytest.mark.parametrize(
    ("more", "kind", "word"),
    [
        ({"model": "gpt-4o"}, openai.NotFoundError, "'gpt-4o' does not exist"),
        ({"input": MESSAGES[:2]}, openai.BadRequestError, "the last message is the question"),
        ({"previous_response_id": "resp_1"}, openai.NotFoundError, "you have nothing of this name here"),
        ({"background": True}, openai.BadRequestError, "background is not served"),
        ({"tools": [{"type": "web_search"}]}, openai.BadRequestError, "file_search"),
        ({"tools": [*TOOLS, *TOOLS]}, openai.BadRequestError, "file_search once"),
        (
            {"tools": [{"type": "file_search", "vector_store_ids": ["other"]}]},
            openai.NotFoundError,
            "no such collection",
        ),
    ],
)
@pytest.mark.parametrize("is_streamed", [False, True])
def test_what_cannot_be_answered_is_the_error_its_users_catch(serve_with, more, kind, word, is_streamed):
    async def body(client, served):
        with pytest.raises(kind, match=word):
            await client.responses.create(**{**ASKED, "stream": is_streamed, **more})
        assert not any(entry.status == "ok" for entry in list_entries(served))

    run(serve_with, body)


def test_what_asks_for_nothing_is_accepted(serve_with):
    async def body(client, _):
        idle = {
            "temperature": 0.3,
            "store": True,
            "metadata": {"a": "b"},
            "include": [],
            "truncation": "auto",
        }
        assert (await client.responses.create(**ASKED, **idle)).output_text

    run(serve_with, body)


def test_who_may_not_ask_is_refused(serve_with):
    async def body(client, _):
        with pytest.raises(openai.PermissionDeniedError):
            await client.responses.create(**ASKED)

    run(serve_with, body, key="writer")


def test_a_vector_store_answers_its_owner_alone_and_cites_its_files(ask):
    async def body(ann, ben, _):
        store, ids = await fill(ann, gilt=(NOTE, {}), bund=(OTHER, {}))
        tools = [{"type": "file_search", "vector_store_ids": [store.id]}]
        asked = {"model": "extractive", "input": "When is the zebracoupon of the gilt paid?", "tools": tools}
        answer = await ann.responses.create(**asked)
        cited = answer.output[-1].content[0].annotations
        assert {item.file_id for item in cited} <= set(ids.values())
        assert (cited[0].file_id, cited[0].filename, cited[0].index) == (ids["gilt"], "gilt.md", 0)
        assert "paid in June" in answer.output_text
        for foreign in (store.id, "vs_" + "0" * 32):
            elsewhere = [{"type": "file_search", "vector_store_ids": [foreign]}]
            with pytest.raises(openai.NotFoundError, match="you have nothing of this name here"):
                await ben.responses.create(**{**asked, "tools": elsewhere})
        await ann.files.delete(ids["gilt"])
        left = await ann.responses.create(**asked)
        assert {item.file_id for item in left.output[-1].content[0].annotations} <= {ids["bund"]}

    ask(body)
