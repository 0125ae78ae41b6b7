from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest

from eagleray.contracts.chat_models import (
    ChatDelta,
    ChatLimits,
    ChatMessage,
    ChatReply,
    ChatRole,
    ChatTool,
    FinishReason,
    ToolCall,
)
from eagleray.contracts.cited_answers import TokenUsage
from eagleray.errors import (
    ContextLengthError,
    DeadlineError,
    DisclosureError,
    InputError,
    ModelAnswerError,
    UnavailableError,
)
from eagleray.settings import load_settings
from eagleray.testing.chat_models import QUESTION, SCHEMA, read_parts
from serve.llm.openai_server import open_chat_model
from tests.chat_server import HANG, ChatServer, make_chunk, make_usage

END = [make_chunk("", finish="stop"), make_usage(), b"data: [DONE]\n\n"]
TOOL = ChatTool(name="search", description="Finds passages.", parameters={"type": "object"})


def read(server, request=QUESTION, **settings):
    async def read_all():
        return await read_parts(server.make_model(**settings), request)

    return asyncio.run(read_all())


def make_call(arguments, *, name="search", call_id="call-1", place=0):
    return {"index": place, "id": call_id, "function": {"name": name, "arguments": arguments}}


def test_pieces_and_usage_are_those_that_the_server_sent():
    parts = read(ChatServer([make_chunk("Repo "), make_chunk("rose."), *END]))
    usage = TokenUsage(n_prompt=7, n_completion=2)
    reply = ChatReply(text="Repo rose.", tool_calls=(), finish=FinishReason.STOP, usage=usage)
    assert parts == [ChatDelta(text="Repo "), ChatDelta(text="rose."), reply]


def test_a_server_that_tells_no_usage_has_none_made_up_for_it():
    assert read(ChatServer([make_chunk("x", finish="stop")]))[-1].usage is None


def test_events_are_read_however_they_are_cut_and_nothing_after_the_end():
    whole = b'data: {"choices":[{"index":0,"delta":{"content":"\xe6\x9d\xb1"},"finish_reason":"stop"}]}\n\n'
    cut = [bytes([byte]) for byte in whole]
    assert read(ChatServer([*cut, b"data: [DONE]\n\ndata: nonsense\n\n"]))[-1].text == "東"


def test_the_body_says_all_that_is_asked():
    server = ChatServer([make_chunk("{}"), *END])
    said = (
        ChatMessage(role=ChatRole.USER, text="x"),
        ChatMessage(
            role=ChatRole.ASSISTANT,
            tool_calls=(ToolCall(call_id="call-1", name="search", arguments={"q": "repo"}),),
        ),
        ChatMessage(role=ChatRole.TOOL, text="found", call_id="call-1"),
    )
    read(server, replace(QUESTION, messages=said, tools=(TOOL,), schema=SCHEMA))
    (body,) = server.bodies
    assert body["messages"][1]["tool_calls"][0]["function"] == {
        "name": "search",
        "arguments": '{"q": "repo"}',
    }
    assert body["messages"][2] == {"role": "tool", "content": "found", "tool_call_id": "call-1"}
    assert body["tools"][0]["function"]["parameters"] == {"type": "object"}
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("toy", 64, 0.0)
    assert body["stream_options"] == {"include_usage": True}


def test_tool_calls_are_put_together_from_their_pieces():
    pieces = [
        make_chunk(calls=[make_call('{"q": ')]),
        make_chunk(calls=[make_call("{}", call_id="call-2", place=1)]),
        make_chunk(calls=[{"index": 0, "function": {"arguments": '"repo"}'}}], finish="tool_calls"),
    ]
    reply = read(ChatServer(pieces), replace(QUESTION, tools=(TOOL,)))[-1]
    assert reply.tool_calls == (
        ToolCall(call_id="call-1", name="search", arguments={"q": "repo"}),
        ToolCall(call_id="call-2", name="search", arguments={}),
    )


@pytest.mark.parametrize(
    ("call", "finish"),
    [
        (make_call('{"q": "re'), "tool_calls"),
        (make_call('["repo"]'), "tool_calls"),
        (make_call('{"q": NaN}'), "tool_calls"),
        (make_call("{}"), "length"),
        (make_call("{}", name="delete"), "tool_calls"),
        (make_call("{}", call_id=""), "tool_calls"),
        (make_call("{}", place=-1), "tool_calls"),
        (make_call({}, name="search"), "tool_calls"),
        (make_call("{}", place=10**9), "tool_calls"),
        ({"index": 0, "function": {"name": ["search"], "arguments": "{}"}}, "tool_calls"),
    ],
    ids=["half", "list", "nan", "cut", "unknown", "no-id", "below", "no-text", "far", "odd-name"],
)
def test_a_tool_call_that_is_not_whole_is_an_error(call, finish):
    with pytest.raises(ModelAnswerError):
        read(ChatServer([make_chunk(calls=[call], finish=finish)]), replace(QUESTION, tools=(TOOL,)))


@pytest.mark.parametrize(
    "items",
    [
        [],
        [b"<html>"],
        [b"data: {\n\n"],
        [b"data: [1]\n\n"],
        [b"data: " + b"[" * 100_000 + b"\n\n"],
        [b"data: \xff\n\n"],
        [{"choices": None}],
        [{"choices": [{"index": 0, "delta": {"content": 7}}]}],
        [{"choices": [{"index": 0, "delta": {}, "finish_reason": "because"}]}],
        [make_chunk("x"), {"error": {"message": "out of memory"}}],
        [make_chunk("x")],
        [make_chunk("x"), b"data: [DONE]\n\n"],
        [make_chunk("x" * (1 << 20)), make_chunk("x"), *END],
        [make_chunk("x", finish="stop"), make_chunk(usage={"prompt_tokens": "7", "completion_tokens": 2})],
    ],
)
def test_nonsense_and_half_replies_are_errors(items):
    with pytest.raises(ModelAnswerError, match="'toy'"):
        read(ChatServer(items))


@pytest.mark.parametrize("text", ['{"answer": "re', "plain", '["answer"]', ""])
def test_with_a_schema_what_is_no_object_is_an_error(text):
    with pytest.raises(ModelAnswerError, match="no JSON object"):
        read(ChatServer([make_chunk(text), *END]), replace(QUESTION, schema=SCHEMA))


def test_an_object_that_was_cut_is_an_error_though_it_can_be_read():
    with pytest.raises(ModelAnswerError, match="cut at 64 tokens"):
        read(ChatServer([make_chunk("{}", finish="length")]), replace(QUESTION, schema=SCHEMA))


@pytest.mark.parametrize(
    "failure",
    [httpx.ConnectError("refused"), httpx.ReadError("reset"), httpx.RemoteProtocolError("cut")],
)
def test_a_dead_server_is_unavailable(failure):
    with pytest.raises(UnavailableError):
        read(ChatServer(failure))


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_unavailable(status):
    with pytest.raises(UnavailableError):
        read(ChatServer([b"busy"], status=status))


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (400, b'{"error":{"code":"context_length_exceeded"}}', ContextLengthError),
        (400, b"This model's maximum context length is 2048 tokens.", ContextLengthError),
        (400, b'{"error":{"message":"bad schema"}}', ModelAnswerError),
        (401, b"maximum context length", ModelAnswerError),
        (302, b"", ModelAnswerError),
    ],
)
def test_a_refusal_is_an_error_that_quotes_nothing_of_the_server(status, said, kind):
    with pytest.raises(kind) as refused:
        read(ChatServer([said], status=status))
    assert not said or said.decode() not in str(refused.value)


@pytest.mark.parametrize("items", [[HANG], [make_chunk("x"), HANG]], ids=["at-once", "in-mid-reply"])
def test_a_slow_server_runs_into_the_deadline_and_its_connection_is_closed(items):
    server = ChatServer(items)
    with pytest.raises(DeadlineError):
        read(server, replace(QUESTION, limits=ChatLimits(timeout_s=0.05)))
    assert server.sent[0].is_closed
    assert not server.sent[0].is_over


def test_closing_the_stream_closes_the_connection_before_the_reply_is_over():
    server = ChatServer([make_chunk("x"), HANG])

    async def close_early():
        stream = server.make_model().stream(QUESTION)
        assert await anext(stream) == ChatDelta(text="x")
        assert not server.sent[0].is_closed
        await stream.aclose()

    asyncio.run(close_early())
    assert server.sent[0].is_closed
    assert not server.sent[0].is_over


def test_a_task_that_is_cancelled_closes_the_connection():
    server = ChatServer([make_chunk("x"), HANG])

    async def cancel():
        task = asyncio.create_task(read_parts(server.make_model(), QUESTION))
        while not server.sent:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert server.sent[0].is_closed


@pytest.mark.parametrize(
    ("forbidden", "told"),
    [
        ({"forbidden_collections": "other default"}, "the collection 'default'"),
        ({"forbidden_zones": "public mnpi"}, "the zone 'public'"),
    ],
)
def test_text_that_the_model_may_not_read_is_never_sent(forbidden, told):
    server = ChatServer(END)
    with pytest.raises(DisclosureError, match=told):
        read(server, **forbidden)
    assert server.bodies == []


def test_text_of_other_collections_and_zones_is_sent():
    server = ChatServer([make_chunk("x"), *END])
    read(server, forbidden_collections="other", forbidden_zones="mnpi")
    assert len(server.bodies) == 1


def test_the_key_is_shown_to_the_server_and_to_nobody_else():
    server = ChatServer([make_chunk("x"), *END])
    read(server, api_key="hidden")
    assert server.heads[0]["authorization"] == "Bearer hidden"
    settings = load_settings(llm={"url": "https://models.example/v1", "model": "toy", "api_key": "hidden"})
    assert "hidden" not in repr(settings)


def test_no_server_is_asked_unless_one_is_set():
    assert open_chat_model(load_settings().llm) is None


@pytest.mark.parametrize("half", [{"url": "http://127.0.0.1:1/v1"}, {"model": "toy"}])
def test_half_of_the_settings_is_refused(half):
    with pytest.raises(InputError, match="URL and MODEL"):
        load_settings(llm=half)


def test_a_key_does_not_go_over_plain_http_to_another_machine():
    llm = load_settings(llm={"url": "http://models.example/v1", "model": "toy", "api_key": "hidden"}).llm
    with pytest.raises(InputError, match="plain HTTP"):
        open_chat_model(llm)
