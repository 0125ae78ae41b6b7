"""How much a run may take, and how much it has taken: checked before each call of a model or a tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypedDict

from eagleray.contracts.chat_models import ChatLimits, ChatMessage, ChatTool
from eagleray.contracts.cited_answers import TokenUsage
from serve.agents.ports import BUDGET, AnswerBudget
from serve.agents.token_estimates import estimate_tokens

MAX_STEPS: Final = 24
"""Calls of the model and of tools together."""

MIN_REPLY_TOKENS: Final = 64
"""That must be left for a reply, or the model is not asked."""

_TOKENS_PER_MESSAGE: Final = 8
"""That a chat template adds to a message or a tool."""


class RunEnd(StrEnum):
    """Why a run ended, or stopped, before the model had answered."""

    STEPS = "steps"
    TOKENS = "tokens"
    SECONDS = "seconds"
    REPEATED = "repeated"
    MODEL = "model"
    WITHHELD = "withheld"
    WAITING = "waiting"


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
        n_prompt: tokens that the model will read, as `estimate_request` counts them.
    """
    exhausted = find_exhausted(budget, spent)
    if exhausted is not None:
        return exhausted
    left = find_room(budget, spent) - n_prompt
    if left < MIN_REPLY_TOKENS:
        return RunEnd.TOKENS
    timeout_s = budget.answer.timeout_s - spent["seconds"]
    return ChatLimits(max_tokens=min(budget.answer.reply_tokens, left), timeout_s=timeout_s)


def find_room(budget: AgentBudget, spent: Spending) -> int:
    """Return how many tokens the next call may read and write."""
    left = budget.answer.answer_tokens - spent["n_prompt"] - spent["n_completion"]
    return min(budget.answer.context_tokens, left)


def charge(
    spent: Spending, *, seconds: float, n_steps: int = 1, n_prompt: int = 0, n_completion: int = 0
) -> Spending:
    """Return what has been taken after one more call.

    Args:
        spent: before it.
        seconds: since the run began.
        n_steps: times that the call was begun.
        n_prompt: tokens that a model read.
        n_completion: tokens that it wrote.
    """
    return {
        "steps": spent["steps"] + n_steps,
        "n_prompt": spent["n_prompt"] + n_prompt,
        "n_completion": spent["n_completion"] + n_completion,
        "seconds": max(seconds, spent["seconds"]),
    }


def count_tokens(usage: TokenUsage | None, *, text: str, n_prompt: int) -> tuple[int, int]:
    """Return the tokens read and written for a reply: as its server tells, or else by length.

    Args:
        usage: that the server tells; nothing of it is given back to the budget.
        text: of the reply.
        n_prompt: tokens of the conversation, by estimate.
    """
    if usage is None:
        return n_prompt, estimate_tokens(text)
    return max(0, usage.n_prompt), max(0, usage.n_completion)


def estimate_request(messages: Sequence[ChatMessage], tools: Sequence[ChatTool]) -> int:
    """Return about how many tokens a conversation has, rather more than it has."""
    texts = [message.text for message in messages]
    texts += [f"{call.name}{dict(call.arguments)}" for message in messages for call in message.tool_calls]
    texts += [f"{tool.name}{tool.description}{dict(tool.parameters)}" for tool in tools]
    return sum(map(estimate_tokens, texts)) + _TOKENS_PER_MESSAGE * (len(messages) + len(tools))
