"""What a pipeline did, noted while it does it."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import pytest

from eagleray.contracts.chat_models import (
    ChatMessage,
    ChatReply,
    ChatRequest,
    ChatRole,
    FinishReason,
    ToolCall,
)
from eagleray.contracts.cited_answers import AnswerStep, StepKind
from eagleray.errors import UnavailableError
from eagleray.testing.fakes import RepeatingChatModel
from serve.agents.answer_trace import AnswerTrace

ASKED = ChatRequest(
    messages=(
        ChatMessage(role=ChatRole.SYSTEM, text="say it again"),
        ChatMessage(role=ChatRole.USER, text="fixed price"),
    ),
    collection="filings",
    zones=frozenset(),
)
PROMPT = '[{"role":"system","text":"say it again"},{"role":"user","text":"fixed price"}]'


class ScriptedModel:
    """Ends its reply as it was told to."""

    name = "scripted"

    def __init__(self, end):
        self._end = end

    async def stream(self, request):
        if isinstance(self._end, Exception):
            raise self._end
        yield self._end


async def read_all(model, request):
    async with aclosing(model.stream(request)) as parts:
        return [part async for part in parts]


def test_a_watched_model_gives_what_the_model_gives_and_each_call_is_a_step():
    trace, model = AnswerTrace(), RepeatingChatModel()
    watched = trace.watch(model)
    assert asyncio.run(read_all(watched, ASKED)) == asyncio.run(read_all(model, ASKED))
    assert watched.name == model.name
    assert trace.steps == (
        AnswerStep(kind=StepKind.MODEL, name="repeating", given=PROMPT, came="fixed price"),
    )


def test_calls_that_a_model_asks_for_stand_in_what_came_and_in_the_next_prompt():
    call = ToolCall(call_id="1", name="open", arguments={"document": "d"})
    reply = ChatReply(text="", tool_calls=(call,), finish=FinishReason.TOOL_CALLS, usage=None)
    trace = AnswerTrace()
    watched = trace.watch(ScriptedModel(reply))
    asyncio.run(read_all(watched, ASKED))
    said = ChatMessage(role=ChatRole.ASSISTANT, tool_calls=(call,))
    result = ChatMessage(role=ChatRole.TOOL, text="x", call_id="1")
    again = ChatRequest(messages=(said, result), collection="filings", zones=frozenset())
    asyncio.run(read_all(watched, again))
    calls = [{"id": "1", "name": "open", "arguments": {"document": "d"}}]
    first, second = trace.steps
    assert json.loads(first.came) == {"text": "", "tool_calls": calls}
    assert json.loads(second.given) == [
        {"role": "assistant", "text": "", "tool_calls": calls},
        {"role": "tool", "text": "x", "call_id": "1"},
    ]


def test_a_call_that_fails_or_is_cancelled_is_a_step_too():
    trace = AnswerTrace()
    with pytest.raises(UnavailableError):
        asyncio.run(
            read_all(trace.watch(ScriptedModel(UnavailableError(part="the model", retry_after_s=1))), ASKED)
        )

    async def give_up():
        async with aclosing(trace.watch(RepeatingChatModel()).stream(ASKED)) as parts:
            await anext(parts)

    asyncio.run(give_up())
    assert [(step.given, step.came) for step in trace.steps] == [
        (PROMPT, "UnavailableError"),
        (PROMPT, "cancelled"),
    ]


def test_a_call_of_a_tool_is_a_step_with_the_chunks_that_it_read():
    trace = AnswerTrace()
    trace.note_tool("search", {"query": "swap"}, came="2 units", chunk_ids=[7, 8])
    assert trace.steps == (
        AnswerStep(
            kind=StepKind.TOOL,
            name="search",
            given='{"query":"swap"}',
            came="2 units",
            chunk_ids=(7, 8),
        ),
    )
