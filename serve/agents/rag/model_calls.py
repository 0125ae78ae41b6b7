"""The calls of a model for one answer: each within the budget of all of them, which is looked at first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

from eagleray.contracts.chat_models import ChatLimits, ChatMessage, ChatModel, ChatReply, ChatRequest
from eagleray.contracts.cited_answers import TokenUsage
from eagleray.errors import ContextLengthError, DeadlineError, ModelAnswerError
from serve.agents.ports import AnswerBudget
from serve.agents.token_estimates import estimate_tokens

_TOKENS_PER_MESSAGE: Final = 8
"""That a chat template adds."""

_LEAST_S: Final = 0.5
"""Seconds in which no model answers; they are left to the answer without one."""


class ModelCalls:
    """Asks a model for one answer; for one event loop."""

    def __init__(
        self,
        model: ChatModel,
        budget: AnswerBudget,
        *,
        collection: str,
        zones: frozenset[str],
        find_left_s: Callable[[], float | None],
    ) -> None:
        """Take the parts; its time begins now.

        Args:
            model: that is asked.
            budget: of all calls.
            collection: that the passages are of.
            zones: that the passages are of.
            find_left_s: gives the seconds that are left for the answer; `None` without limit.
        """
        self._model, self._budget = model, budget
        self._collection, self._zones, self._find_left_s = collection, zones, find_left_s
        self._ends_at = asyncio.get_running_loop().time() + budget.timeout_s
        self._n_taken = 0
        self.usage = TokenUsage()
        """Tokens of all calls, as far as the model told them."""

    @property
    def model(self) -> str:
        """Name of the model."""
        return self._model.name

    def find_room(self, messages: Sequence[ChatMessage]) -> int:
        """Return how many tokens a prompt may have besides these messages; less than 0 for too many."""
        budget = self._budget
        most = min(budget.context_tokens, budget.answer_tokens - self._n_taken)
        return most - budget.reply_tokens - count_tokens(messages)

    def affords(self, messages: Sequence[ChatMessage]) -> bool:
        """Return whether there are tokens and seconds left to ask this."""
        return self.find_room(messages) >= 0 and self._find_time_s() >= _LEAST_S

    async def ask(self, messages: Sequence[ChatMessage], *, schema: Mapping[str, Any]) -> str:
        """Return the text of the reply.

        Raises:
            ContextLengthError: the budget has no tokens for it; nothing was sent.
            DeadlineError: the budget has no time for it, or the model took too long.
            EagleRayError: as `ChatModel.stream`.
        """
        if self.find_room(messages) < 0:
            raise ContextLengthError(model=self.model)
        timeout_s = self._find_time_s()
        if timeout_s < _LEAST_S:
            raise DeadlineError(timeout_s=max(0.0, round(timeout_s, 3)))
        request = ChatRequest(
            messages=tuple(messages),
            collection=self._collection,
            zones=self._zones,
            schema=schema,
            limits=ChatLimits(max_tokens=self._budget.reply_tokens, timeout_s=timeout_s),
        )
        self._n_taken += count_tokens(messages)
        try:
            async with asyncio.timeout(timeout_s):
                reply = await self._read(request)
        except TimeoutError as error:
            raise DeadlineError(timeout_s=round(timeout_s, 3)) from error
        self._count(reply)
        return reply.text

    async def _read(self, request: ChatRequest) -> ChatReply:
        async with aclosing(self._model.stream(request)) as parts:
            async for part in parts:
                if isinstance(part, ChatReply):
                    return part
        raise ModelAnswerError(model=self._model.name, detail="its stream ended without a reply")

    def _count(self, reply: ChatReply) -> None:
        told = reply.usage
        self._n_taken += estimate_tokens(reply.text) if told is None else told.n_completion
        if told is not None:
            self.usage = TokenUsage(
                n_prompt=self.usage.n_prompt + told.n_prompt,
                n_completion=self.usage.n_completion + told.n_completion,
            )

    def _find_time_s(self) -> float:
        left_s = self._ends_at - asyncio.get_running_loop().time()
        of_answer = self._find_left_s()
        return left_s if of_answer is None else min(left_s, of_answer - _LEAST_S)


def count_tokens(messages: Sequence[ChatMessage]) -> int:
    """Return about how many tokens a conversation has."""
    return sum(estimate_tokens(message.text) + _TOKENS_PER_MESSAGE for message in messages)
