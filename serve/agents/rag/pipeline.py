"""Answers in a model's words, each sentence held against the lines that the model chose for it.

Passages are found as for every answer. The model chooses numbered lines, then phrases; what does not hold is
written again once, then quoted. Where the model gives nothing that can be used, the answer quotes what
answers best, as the pipeline without a model does, and says so.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from eagleray.contracts.chat_models import ChatModel
from eagleray.contracts.cited_answers import (
    RAG,
    AnswerNotice,
    AnswerPart,
    AskRequest,
    Citation,
    CitedAnswer,
    NoticeKind,
    ReleasedStatement,
    Statement,
    TokenUsage,
)
from eagleray.contracts.hits import SearchResponse
from eagleray.contracts.times import format_micros
from eagleray.errors import (
    ContextLengthError,
    DeadlineError,
    DisclosureError,
    EagleRayError,
    ModelAnswerError,
    UnavailableError,
)
from serve.agents.answer_trace import AnswerTrace
from serve.agents.checked_sentences import CheckedSentence, compose_answer
from serve.agents.extractive import find_candidates, quote_best
from serve.agents.instructions import withhold_instructions
from serve.agents.ports import BUDGET, AnswerBudget, PassageSearcher
from serve.agents.rag.model_calls import ModelCalls
from serve.agents.rag.writing import SentenceWriter

_FAILURES: Final[tuple[type[EagleRayError], ...]] = (
    ContextLengthError,
    DeadlineError,
    DisclosureError,
    ModelAnswerError,
    UnavailableError,
)
"""Of a model, by its port; whatever else is raised is a defect."""

_NO_TOKENS: Final = TokenUsage()
_TITLES: Final = 3
"""Of documents, that are told where nothing answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """What an answer says. Attributes: as those of the answer."""

    statements: tuple[Statement, ...] = ()
    citations: tuple[Citation, ...] = ()
    notices: tuple[AnswerNotice, ...] = ()
    model: str = ""
    usage: TokenUsage = _NO_TOKENS


class RagPipeline:
    """Answers with sentences of a model that hold in what they cite."""

    name = RAG

    def __init__(self, model: ChatModel, budget: AnswerBudget = BUDGET) -> None:
        """Take the model, and what it may take for one answer."""
        self._model, self._budget = model, budget

    async def answer(self, request: AskRequest, searcher: PassageSearcher) -> AsyncGenerator[AnswerPart]:
        """Yield each statement of the answer, then the whole answer.

        Raises:
            EagleRayError: the search failed; a model that fails does not fail the answer.
        """
        found = await searcher.search(request.search)
        trace = AnswerTrace()
        written = await self._write(request, found, searcher, trace=trace)
        for part in _release(written):
            yield part
        yield CitedAnswer(
            question=request.search.query,
            statements=written.statements,
            citations=written.citations,
            pipeline=self.name,
            snapshot=found.explanation.snapshot,
            as_of=request.search.as_of,
            retrieved=found,
            model=written.model,
            usage=written.usage,
            notices=written.notices,
            steps=trace.steps,
        )

    async def _write(
        self, request: AskRequest, found: SearchResponse, searcher: PassageSearcher, *, trace: AnswerTrace
    ) -> _Written:
        if found.relevant is False or not found.hits:
            return _Written(notices=(_tell_not_found(request, found),))
        hits, notices = await searcher.compute(partial(withhold_instructions, found.hits))
        calls = ModelCalls(
            trace.watch(self._model),
            self._budget,
            collection=searcher.collection,
            zones=frozenset(hit.zone for hit in hits),
            find_left_s=searcher.find_left_s,
        )
        why = "every passage has text that reads like an instruction"
        if hits:
            try:
                sentences = await SentenceWriter(request, calls, searcher).write(hits)
            except _FAILURES as error:
                why = str(error)
            else:
                written = await searcher.compute(partial(self._compose, request, found, sentences))
                if written is not None:
                    notices = (*written.notices, *notices)
                    return replace(written, notices=notices, usage=calls.usage)
                why = "nothing that it wrote is supported by what it cites"
        statements, citations = await searcher.compute(partial(quote_best, request, found))
        text = f"The answer is quoted, not written by the language model: {why}."
        notice = AnswerNotice(kind=NoticeKind.WITHOUT_MODEL, text=text)
        return _Written(
            statements=statements, citations=citations, notices=(notice, *notices), usage=calls.usage
        )

    def _compose(
        self, request: AskRequest, found: SearchResponse, sentences: Sequence[CheckedSentence]
    ) -> _Written | None:
        """Return what the model wrote as far as it holds; `None` where nothing of it does."""
        if not sentences:
            return _Written(notices=(_tell_not_found(request, found),), model=self._model.name)
        candidates, _ = find_candidates(found, question=request.search.query)
        composed = compose_answer(sentences, answering=candidates, max_citations=request.max_citations)
        if not composed.statements:
            return None
        notices: tuple[AnswerNotice, ...] = ()
        if composed.n_replaced:
            text = (
                f"{composed.n_replaced} of {len(sentences)} sentences of the language model are not "
                "supported by what they cite; quotations stand in their place, or nothing does."
            )
            notices = (AnswerNotice(kind=NoticeKind.REPLACED, text=text),)
        return _Written(
            statements=composed.statements,
            citations=composed.citations,
            notices=notices,
            model=self._model.name,
        )


def _release(written: _Written) -> Iterator[ReleasedStatement]:
    """Yield each statement with those of its citations that were not given before."""
    cited = {citation.number: citation for citation in written.citations}
    for statement in written.statements:
        new = tuple(cited.pop(number) for number in statement.citations if number in cited)
        yield ReleasedStatement(statement=statement, citations=new)


def _tell_not_found(request: AskRequest, found: SearchResponse) -> AnswerNotice:
    """Return what was looked for, and where."""
    titles = [*dict.fromkeys(hit.title or hit.doc_id for hit in found.hits)]
    more = f" and {len(titles) - _TITLES} others" if len(titles) > _TITLES else ""
    where = f" of {'; '.join(titles[:_TITLES])}{more}" if titles else ""
    time = "" if request.search.as_of is None else f", as of {format_micros(request.search.as_of)}"
    text = f"Looked for {request.search.query!r} in {len(found.hits)} passages{where}{time}."
    return AnswerNotice(kind=NoticeKind.NOT_FOUND, text=text)
