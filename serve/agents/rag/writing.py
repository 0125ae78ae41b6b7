"""A model's sentences for an answer: asked for once, those that do not hold once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from eagleray.contracts.chat_models import ChatMessage
from eagleray.contracts.cited_answers import AskRequest
from eagleray.contracts.hits import Hit
from eagleray.errors import ContextLengthError, DeadlineError, ModelAnswerError, UnavailableError
from serve.agents.checked_sentences import CheckedSentence, check_sentence
from serve.agents.ports import PassageSearcher
from serve.agents.rag.model_calls import ModelCalls
from serve.agents.rag.numbered_lines import NumberedLines, number_lines
from serve.agents.rag.prompts import make_messages, make_repair, make_schema
from serve.agents.rag.replies import DraftSentence, read_reply

_FEWER: Final = 2
"""To which part the tokens of passages are cut that a model found too long."""

_FAILURES: Final = (ContextLengthError, DeadlineError, ModelAnswerError, UnavailableError)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """What a model was asked, and what it replied."""

    lines: NumberedLines
    messages: tuple[ChatMessage, ...]
    reply: str
    statements: list[list[DraftSentence]]


class SentenceWriter:
    """Has the sentences of one answer written."""

    def __init__(self, request: AskRequest, calls: ModelCalls, searcher: PassageSearcher) -> None:
        """Take the question, the calls of the model, and what computes."""
        self._request, self._calls, self._searcher = request, calls, searcher

    async def write(self, hits: Sequence[Hit]) -> list[CheckedSentence]:
        """Return the sentences about passages, in their order, checked; none where the model found no answer.

        Raises:
            EagleRayError: the model failed, or the budget leaves no room for it.
        """
        try:
            draft = await self._draft(hits, share=1)
        except ContextLengthError:
            draft = await self._draft(hits, share=_FEWER)
        checked = await self._check(draft.statements, draft.lines)
        if any(map(_fails, checked)):
            checked = await self._repair(draft, checked)
        return [one for statement in checked for one in statement]

    async def _draft(self, hits: Sequence[Hit], *, share: int) -> _Draft:
        """Return what the model wrote about as many passages as there is room for, or a share of that."""
        room = self._calls.find_room(make_messages(self._request, NumberedLines(units=(), text="")))
        lines = await self._searcher.compute(partial(number_lines, hits, max_tokens=room // share))
        if not lines.units:
            raise ContextLengthError(model=self._calls.model)
        messages = make_messages(self._request, lines)
        reply = await self._ask(messages, lines)
        statements = read_reply(reply, model=self._calls.model)
        return _Draft(lines=lines, messages=messages, reply=reply, statements=statements)

    async def _ask(self, messages: Sequence[ChatMessage], lines: NumberedLines) -> str:
        schema = make_schema(len(lines.units), max_citations=self._request.max_citations)
        return await self._calls.ask(messages, schema=schema)

    async def _check(
        self, statements: Sequence[Sequence[DraftSentence]], lines: NumberedLines
    ) -> list[list[CheckedSentence]]:
        return await self._searcher.compute(
            lambda: [[self._check_one(draft, lines) for draft in statement] for statement in statements]
        )

    def _check_one(self, draft: DraftSentence, lines: NumberedLines) -> CheckedSentence:
        units = lines.find_units(draft.lines)
        unknown = sorted(set(draft.lines) - set(range(1, len(lines.units) + 1)))
        fault = "" if units else "it names no line"
        fault = f"there is no line {unknown[0]}" if unknown else fault
        return check_sentence(draft.text, units, question=self._request.search.query, fault=fault)

    async def _repair(
        self, draft: _Draft, checked: list[list[CheckedSentence]]
    ) -> list[list[CheckedSentence]]:
        """Return the statements, those that do not hold as the model writes them again, if they hold then.

        It is asked for these alone; where it writes as many as there are, each stands for its own.
        """
        failing = [place for place, statement in enumerate(checked) if _fails(statement)]
        faults = [(one.text, one.fault) for place in failing for one in checked[place] if one.fault]
        messages = make_repair(draft.messages, reply=draft.reply, faults=faults)
        if not self._calls.affords(messages):
            return checked
        try:
            reply = await self._ask(messages, draft.lines)
            statements = read_reply(reply, model=self._calls.model)
        except _FAILURES:  # what was written stays as it is, and what does not hold of it is quoted
            return checked
        repaired = await self._check(statements, draft.lines)
        places = failing if len(repaired) != len(checked) else range(len(checked))
        again = dict(zip(places, repaired, strict=False))
        return [
            again[place] if _fails(statement) and place in again and not _fails(again[place]) else statement
            for place, statement in enumerate(checked)
        ]


def _fails(statement: Sequence[CheckedSentence]) -> bool:
    return any(one.fault for one in statement)
