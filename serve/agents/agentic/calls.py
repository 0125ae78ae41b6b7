"""Calls of the model and of tools, each with an outcome in plain JSON; nothing of it is believed yet."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, Final

from pydantic import ValidationError

from eagleray.contracts.chat_models import ChatModel, ChatReply, ChatRequest, FinishReason
from eagleray.errors import (
    ContextLengthError,
    DeadlineError,
    DisclosureError,
    InputError,
    ModelAnswerError,
    UnavailableError,
)
from serve.agents.agentic.budgets import RunEnd, count_tokens
from serve.agents.agentic.run_state import AskedCall, ModelOutcome, ToolOutcome
from serve.agents.agentic.tool_arguments import describe_faults
from serve.agents.agentic.tool_desk import ToolDesk, ToolResult
from serve.agents.agentic.tools import AgentTool

MAX_CALLS: Final = 8
"""That one reply may ask for."""

_MAX_ARGUMENTS: Final = 16_384
"""Characters of the arguments of one call, as JSON."""


async def call_model(model: ChatModel, request: ChatRequest, *, n_prompt: int) -> ModelOutcome:
    """Return what a model says to a request, or why it said nothing that can be used.

    Args:
        model: that is asked.
        request: with a schema for text, else with tools.
        n_prompt: tokens of the request, by estimate.
    """
    outcome = ModelOutcome(text="", calls=[], fault="", ended="", tokens=[n_prompt, 0])
    try:
        reply = await _read_reply(model, request)
    except DisclosureError:
        return {**outcome, "ended": str(RunEnd.WITHHELD)}
    except (UnavailableError, DeadlineError, ContextLengthError):
        return {**outcome, "ended": str(RunEnd.MODEL)}
    except ModelAnswerError as error:
        return {**outcome, "fault": str(error)}
    tokens = count_tokens(reply.usage, text=reply.text, n_prompt=n_prompt)
    calls, fault = ([], "") if request.schema is not None else _read_calls(reply)
    return ModelOutcome(text=reply.text, calls=calls, fault=fault, ended="", tokens=list(tokens))


async def call_tool(
    tools: Mapping[str, AgentTool[Any]], call: AskedCall, desk: ToolDesk, *, left_s: float
) -> ToolOutcome:
    """Return what came of a call; one that is refused says why.

    Args:
        tools: by their names.
        call: whose arguments are checked here.
        desk: that the tool works with.
        left_s: seconds that it may take.
    """
    tool = tools.get(call["name"])
    if tool is None:
        return note_outcome(desk, f"there is no such tool; there are {', '.join(tools)}, answer")
    try:
        arguments = tool.arguments.model_validate(call["arguments"])
    except ValidationError as error:
        return note_outcome(desk, f"refused: {describe_faults(error)}")
    desk.clear()
    try:
        async with asyncio.timeout(left_s):
            return make_outcome(desk, await tool.run(desk, arguments))
    except (TimeoutError, DeadlineError):
        return {**note_outcome(desk, "it took too long"), "ended": str(RunEnd.SECONDS)}
    except InputError as error:
        return note_outcome(desk, f"refused: {error}")


def make_outcome(desk: ToolDesk, result: ToolResult) -> ToolOutcome:
    """Return the outcome of a call that was made."""
    shown = asdict(result)
    return ToolOutcome(
        note=result.note,
        labels=list(result.labels),
        searches=list(shown["searches"]),
        suspects=list(result.suspects),
        places=desk.evidence.places,
        snapshot=desk.snapshot,
        ended="",
    )


def note_outcome(desk: ToolDesk, note: str) -> ToolOutcome:
    """Return the outcome of a call that found nothing."""
    return make_outcome(desk, ToolResult(note=note))


async def _read_reply(model: ChatModel, request: ChatRequest) -> ChatReply:
    last = None
    try:
        async with asyncio.timeout(request.limits.timeout_s), aclosing(model.stream(request)) as parts:
            async for part in parts:
                last = part
    except TimeoutError as error:
        raise DeadlineError(timeout_s=request.limits.timeout_s) from error
    if not isinstance(last, ChatReply):
        raise ModelAnswerError(model=model.name, detail="its reply has no end")
    return last


def _read_calls(reply: ChatReply) -> tuple[list[AskedCall], str]:
    """Return the calls of a reply, or why there are none: what was cut is none, whatever it looks like."""
    if reply.finish is FinishReason.LENGTH:
        return [], "your reply was cut at its limit of tokens; call one tool, briefly"
    if not reply.tool_calls:
        return [], "call a tool; call `answer` to end"
    if len(reply.tool_calls) > MAX_CALLS:
        return [], f"at most {MAX_CALLS} calls at once"
    calls = []
    for call in reply.tool_calls:
        try:
            text = json.dumps(dict(call.arguments), allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            return [], f"the arguments of {call.name[:64]} are no JSON object"
        if len(text) > _MAX_ARGUMENTS:
            return [], f"the arguments of {call.name[:64]} are too long"
        calls.append(AskedCall(name=call.name[:64], arguments=json.loads(text)))
    return calls, ""
