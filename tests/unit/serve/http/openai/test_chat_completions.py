"""Chat completions, asked by OpenAI's own client, which checks the shape of every answer."""

from __future__ import annotations

import openai
import pytest

from serve.http.openai.chat_completions import PATH
from tests.openai_stores import connect
from tests.small_collections import SPEC
from tests.unit.serve.http.native.test_cited_answers import fail_after, list_entries

MESSAGES = [
    {"role": "system", "content": "Answer briefly."},
    {"role": "user", "content": "curve"},
    {"role": "assistant", "content": "A curve."},
    {"role": "user", "content": [{"type": "text", "text": "swap"}, {"type": "text", "text": " bond"}]},
]
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
IMAGE = {"type": "image_url", "image_url": {"url": "data:"}}
QUESTION = [{"role": "user", "content": "swap bond"}]


def run(serve_with, body, *, groups=(), key="reader", **parts):
    async def ask(served):
        async with connect(served, key) as client:
            await body(client, served)

    serve_with(ask, groups=groups, **parts)


async def ask_natively(served, **body):
    path = f"/collections/{SPEC.name}/ask"
    return (await served.client.post(path, json={"question": "swap bond", **body})).json()


def test_the_last_message_is_answered_as_the_native_route_answers_it(serve_with):
    async def body(client, served):
        answer = await client.chat.completions.create(model="extractive", messages=MESSAGES)
        native = await ask_natively(served)
        (choice,) = answer.choices
        assert (choice.message.content, choice.message.role) == (native["text"], "assistant")
        assert (choice.finish_reason, answer.object, answer.model) == (
            "stop",
            "chat.completion",
            "extractive",
        )
        assert answer.eagleray == native
        assert answer.usage.total_tokens == 0

    run(serve_with, body)


def test_extensions_are_those_of_the_native_route(serve_with):
    more = {"as_of": "1970-03-01", "filter": "year >= 2003", "max_citations": 1, "k": 4}

    async def body(client, served):
        answer = await client.chat.completions.create(
            model="extractive", messages=QUESTION, extra_body={**more, "collection": SPEC.name}
        )
        assert answer.eagleray == await ask_natively(served, **more)

    run(serve_with, body, groups=("rates", "credit"))


def test_a_stream_is_the_whole_answer_in_pieces_and_ends_as_openais_does(serve_with):
    async def body(client, served):
        stream = await client.chat.completions.create(
            model="extractive", messages=QUESTION, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        *parts, ended, usage = chunks
        assert len({(chunk.id, chunk.object, chunk.model) for chunk in chunks}) == 1
        assert parts[0].choices[0].delta.role == "assistant"
        native = await ask_natively(served)
        assert "".join(chunk.choices[0].delta.content for chunk in parts) == native["text"]
        assert [chunk.choices[0].finish_reason for chunk in (*parts, ended)] == [None] * len(parts) + ["stop"]
        assert ended.eagleray == native
        assert (usage.choices, usage.usage.total_tokens) == ([], 0)
        whole = await served.client.post(
            PATH, json={"model": "extractive", "messages": QUESTION, "stream": True}
        )
        assert whole.text.endswith("data: [DONE]\n\n")

    run(serve_with, body)


def test_where_nothing_is_found_the_answer_says_so_streamed_or_not(serve_with):
    async def body(client, _):
        asked = {"model": "extractive", "messages": QUESTION, "extra_body": {"as_of": "1960-01-01"}}
        whole = await client.chat.completions.create(**asked)
        assert whole.choices[0].message.content.startswith("Nothing was found")
        stream = await client.chat.completions.create(**asked, stream=True)
        parts = [chunk.choices[0].delta.content or "" async for chunk in stream]
        assert "".join(parts) == whole.choices[0].message.content

    run(serve_with, body)


def test_citations_are_annotations_streamed_or_not(serve_with):
    async def body(client, served):
        asked = {"model": "extractive", "messages": QUESTION, "extra_body": {"max_citations": 7}}
        (choice,) = (await client.chat.completions.create(**asked)).choices
        native = await ask_natively(served, max_citations=7)
        files = list(dict.fromkeys(item["doc_id"] for item in native["citations"]))
        assert choice.message.annotations == []
        assert choice.message.eagleray["annotations"] == [
            {
                "type": "file_citation",
                "file_id": item["doc_id"],
                "filename": item["title"] or item["doc_id"],
                "index": files.index(item["doc_id"]),
                "eagleray": {name: item[name] for name in ("number", "start", "end")},
            }
            for item in native["citations"]
        ]
        assert len(native["citations"]) > len(files) > 1
        chunks = [chunk async for chunk in await client.chat.completions.create(**asked, stream=True)]
        told = [getattr(chunk.choices[0].delta, "eagleray", {"annotations": []}) for chunk in chunks]
        streamed = [item for part in told for item in part["annotations"]]
        assert streamed == choice.message.eagleray["annotations"]

    run(serve_with, body)


def test_functions_of_the_caller_are_accepted_and_not_called(serve_with):
    async def body(client, served):
        call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        earlier = [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "5"},
        ]
        answer = await client.chat.completions.create(
            model="extractive", messages=[*earlier, *QUESTION], tools=TOOLS, tool_choice="auto"
        )
        assert answer.eagleray == await ask_natively(served)
        assert answer.choices[0].message.tool_calls is None

    run(serve_with, body)


def test_each_answer_leaves_one_record_as_the_native_route_does(serve_with):
    async def body(client, served):
        await client.chat.completions.create(model="extractive", messages=QUESTION)
        async for _ in await client.chat.completions.create(
            model="extractive", messages=QUESTION, stream=True
        ):
            pass
        entries = list_entries(served)
        assert [(entry.action, entry.status) for entry in entries] == [
            ("ask", "ok"),
            ("ask", "begun"),
            ("ask", "ok"),
        ]
        assert entries[0].plan == entries[2].plan

    run(serve_with, body)


def test_what_fails_half_way_is_an_error_in_the_stream(serve_with):
    async def body(client, served):
        stream = await client.chat.completions.create(model="failing", messages=QUESTION, stream=True)
        with pytest.raises(openai.APIError, match="the store is away"):
            async for _ in stream:
                pass
        assert [entry.status for entry in list_entries(served)] == ["begun", "StoreError"]

    run(serve_with, body, pipelines=fail_after(1))


@pytest.mark.parametrize(
    ("more", "kind", "word"),
    [
        ({"model": "gpt-4o"}, openai.NotFoundError, "'gpt-4o' does not exist"),
        ({"messages": MESSAGES[:3]}, openai.BadRequestError, "the last message is the question"),
        ({"messages": []}, openai.BadRequestError, "messages"),
        (
            {"messages": [{"role": "user", "content": [IMAGE]}]},
            openai.BadRequestError,
            "expected text, or parts",
        ),
        ({"n": 2}, openai.BadRequestError, "n"),
        ({"stop": ["x"]}, openai.BadRequestError, "stop is not served"),
        ({"tools": [{"type": "web_search"}]}, openai.BadRequestError, "tools"),
        ({"tools": TOOLS, "tool_choice": "required"}, openai.BadRequestError, "tool_choice is not"),
        ({"response_format": {"type": "json_object"}}, openai.BadRequestError, "response_format is not"),
        ({"logprobs": True}, openai.BadRequestError, "logprobs is not"),
        ({"extra_body": {"collection": "other"}}, openai.NotFoundError, "no such collection"),
        ({"extra_body": {"filter": "nothing = 1"}}, openai.BadRequestError, "nothing"),
        ({"extra_body": {"as_off": "2020-01-01"}}, openai.BadRequestError, "as_off"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_answered_is_the_error_its_users_catch(serve_with, more, kind, word, stream):
    async def body(client, served):
        asked = {"model": "extractive", "messages": QUESTION, "stream": stream, **more}
        with pytest.raises(kind, match=word):
            await client.chat.completions.create(**asked)
        assert not any(entry.status == "ok" for entry in list_entries(served))

    run(serve_with, body)


@pytest.mark.parametrize(
    "idle",
    [
        {"temperature": 0.3, "top_p": 0.5, "max_tokens": 5, "seed": 1, "user": "u"},
        {"tools": [], "tool_choice": "none", "response_format": {"type": "text"}, "logprobs": False, "n": 1},
        {"metadata": {"a": "b"}, "store": False, "stop": None, "parallel_tool_calls": True},
    ],
)
def test_what_asks_for_nothing_is_accepted(serve_with, idle):
    async def body(client, _):
        answer = await client.chat.completions.create(model="extractive", messages=QUESTION, **idle)
        assert answer.choices[0].message.content

    run(serve_with, body)


def test_who_may_not_ask_is_refused(serve_with):
    async def body(client, _):
        with pytest.raises(openai.PermissionDeniedError):
            await client.chat.completions.create(model="extractive", messages=QUESTION)

    run(serve_with, body, key="writer")
