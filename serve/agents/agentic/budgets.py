"""How much a run may take, and how much it has taken: checked before each call of a model or a tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypedDict

from eagleray.contracts.chat_models import ChatLimits, ChatMessage, ChatReply, ChatTool
from serve.agents.ports import BUDGET, AnswerBudget

MAX_STEPS: Final = 24
"""Calls of the model and of tools together."""

MIN_REPLY_TOKENS: Final = 64
"""That must be left for a reply, or the model is not asked."""

MAX_CALL_S: Final = 60.0
_BYTES_PER_TOKEN: Final = 3
_TOKENS_PER_MESSAGE: Final = 16


class RunEnd(StrEnum):
    """Why a run ended before the model had answered."""

    STEPS = "steps"
    TOKENS = "tokens"
    SECONDS = "seconds"
    REPEATED = "repeated"
    MODEL = "model"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentBudget:
    """What one run may take.

    Attributes:
        max_steps: calls of the model and of tools together.
        answer: what the model may take for the answer.
    """

    max_steps: int = MAX_STEPS
    answer: AnswerBudget = BUDGET


class Spending(TypedDict):
    """What a run has taken; plain JSON."""

    steps: int
    n_prompt: int
    n_completion: int
    seconds: float


def make_spending() -> Spending:
    """Return that of a run that has not begun."""
    return {"steps": 0, "n_prompt": 0, "n_completion": 0, "seconds": 0.0}


def find_exhausted(budget: AgentBudget, spent: Spending) -> RunEnd | None:
    """Return what is used up; `None` where another call may be made."""
    if spent["steps"] >= budget.max_steps:
        return RunEnd.STEPS
    if spent["n_prompt"] + spent["n_completion"] >= budget.answer.answer_tokens:
        return RunEnd.TOKENS
    if spent["seconds"] >= budget.answer.timeout_s:
        return RunEnd.SECONDS
    return None


def limit_reply(budget: AgentBudget, spent: Spending, *, n_prompt: int) -> ChatLimits | RunEnd:
    """Return what a reply may take, or why the model is not asked.

    Args:
        budget: of the run.
        spent: so far.
        n_prompt: tokens that the model will read, as `estimate_tokens` counts them.
    """
    exhausted = find_exhausted(budget, spent)
    if exhausted is not None:
        return exhausted
    left = budget.answer.answer_tokens - spent["n_prompt"] - spent["n_completion"] - n_prompt
    if left < MIN_REPLY_TOKENS:
        return RunEnd.TOKENS
    timeout_s = min(MAX_CALL_S, budget.answer.timeout_s - spent["seconds"])
    return ChatLimits(max_tokens=min(budget.answer.reply_tokens, left), timeout_s=timeout_s)


def charge(spent: Spending, *, seconds: float, reply: ChatReply | None = None, n_prompt: int = 0) -> Spending:
    """Return what has been taken after one more call.

    Args:
        spent: before it.
        seconds: since the run began.
        reply: of a model; its usage counts as the server tells it, or by its length where that is not told.
        n_prompt: tokens that a model read by estimate; they count where the server does not tell.
    """
    usage = reply.usage if reply else None
    wrote = -(-len(reply.text.encode()) // _BYTES_PER_TOKEN) if reply else 0
    return {
        "steps": spent["steps"] + 1,
        "n_prompt": spent["n_prompt"] + (max(0, usage.n_prompt) if usage else n_prompt),
        "n_completion": spent["n_completion"] + (max(0, usage.n_completion) if usage else wrote),
        "seconds": max(seconds, spent["seconds"]),
    }


def estimate_tokens(messages: Sequence[ChatMessage], tools: Sequence[ChatTool]) -> int:
    """Return how many tokens a conversation is, at a token for three bytes."""
    texts = [message.text for message in messages]
    texts += [f"{call.name}{dict(call.arguments)}" for message in messages for call in message.tool_calls]
    texts += [f"{tool.name}{tool.description}{dict(tool.parameters)}" for tool in tools]
    n_bytes = sum(len(text.encode()) for text in texts)
    return -(-n_bytes // _BYTES_PER_TOKEN) + _TOKENS_PER_MESSAGE * (len(messages) + len(tools))
