"""A call of the model: what came, as plain JSON; nothing of it is believed yet."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Final, TypedDict

from eagleray.contracts.chat_models import ChatModel, ChatReply, ChatRequest, FinishReason
from eagleray.errors import DeadlineError, ModelAnswerError
from serve.agents.agentic.run_state import AskedCall

MAX_CALLS: Final = 8
"""That one reply may ask for."""

_MAX_ARGUMENTS: Final = 16_384
"""Characters of the arguments of one call, as JSON."""


class ModelReply(TypedDict):
    """What a model said. Attributes: `fault` says why it cannot be used; empty where it can."""

    text: str
    calls: list[AskedCall]
    fault: str


async def ask_model(model: ChatModel, request: ChatRequest) -> ChatReply:
    """Return the whole reply to a request.

    Raises:
        EagleRayError: as `ChatModel.stream`; also where a reply takes longer than its limit, or has no end.
    """
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


def read_calls(reply: ChatReply) -> ModelReply:
    """Return what a reply asks for: no call of a reply that was cut, whatever it looks like."""
    if reply.finish is FinishReason.LENGTH:
        return _refuse("your reply was cut at its limit of tokens; call one tool, briefly")
    if not reply.tool_calls:
        return _refuse("call a tool; call `answer` to end")
    if len(reply.tool_calls) > MAX_CALLS:
        return _refuse(f"at most {MAX_CALLS} calls at once")
    calls = []
    for call in reply.tool_calls:
        try:
            text = json.dumps(dict(call.arguments), allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            return _refuse(f"the arguments of {call.name[:64]} are no JSON object")
        if len(text) > _MAX_ARGUMENTS:
            return _refuse(f"the arguments of {call.name[:64]} are too long")
        calls.append(AskedCall(name=call.name[:64], arguments=json.loads(text)))
    return ModelReply(text=reply.text, calls=calls, fault="")


def _refuse(fault: str) -> ModelReply:
    return ModelReply(text="", calls=[], fault=fault)
