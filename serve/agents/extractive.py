"""The pipeline without a model: the sentences and rows that answer best, each with its citation.

It never writes a word of its own. Where a search says that nothing relevant was found, neither does it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from functools import partial
from typing import Final

from eagleray.contracts.cited_answers import (
    EXTRACTIVE,
    AnswerPart,
    AskRequest,
    Citation,
    CitedAnswer,
    ReleasedStatement,
    Statement,
)
from eagleray.contracts.hits import SearchResponse
from serve.agents.citations import find_identity, make_citations
from serve.agents.instructions import note_instructions
from serve.agents.passage_units import PassageUnit, list_units
from serve.agents.ports import PassageSearcher
from serve.agents.unit_scores import read_question, score_units

REPEATED: Final = 0.25
"""What a unit must be better for each one of its passage that is cited already."""

MARGIN: Final = 4.0
"""What a unit may be worse than the best: its odds are a fiftieth then, see `unit_scores`."""


class ExtractivePipeline:
    """Answers with what stands in the passages."""

    name = EXTRACTIVE

    async def answer(self, request: AskRequest, searcher: PassageSearcher) -> AsyncGenerator[AnswerPart]:
        """Yield each sentence or row that answers, the best first, then the whole answer.

        Raises:
            EagleRayError: the search failed.
        """
        found = await searcher.search(request.search)
        statements, citations = await searcher.compute(partial(quote_best, request, found))
        for statement, citation in zip(statements, citations, strict=True):
            yield ReleasedStatement(statement=statement, citations=(citation,))
        yield CitedAnswer(
            question=request.search.query,
            statements=statements,
            citations=citations,
            pipeline=self.name,
            snapshot=found.explanation.snapshot,
            as_of=request.search.as_of,
            retrieved=found,
            notices=note_instructions((item.doc_id, _show(item)) for item in citations),
        )


def quote_best(
    request: AskRequest, found: SearchResponse
) -> tuple[tuple[Statement, ...], tuple[Citation, ...]]:
    """Return a statement for each sentence or row that answers, the best first, and its citation."""
    units = choose_units(found, question=request.search.query, n=request.max_citations)
    citations = make_citations(units)
    return tuple(map(_quote, citations)), citations


def choose_units(found: SearchResponse, *, question: str, n: int) -> list[PassageUnit]:
    """Return the units that answer a question, the best first, no two of which say the same.

    Args:
        found: the passages; none of their units answers where nothing relevant was found.
        question: in words.
        n: units at most.
    """
    if found.relevant is False:
        return []
    units, scores = find_candidates(found, question=question)
    left, chosen = set(range(len(units))), list[PassageUnit]()
    said: set[tuple[str, ...]] = set()
    cited: Counter[int] = Counter()
    while left and len(chosen) < n:
        best = max(left, key=lambda place: (scores[place] - REPEATED * cited[units[place].place], -place))
        left.remove(best)
        identity = find_identity(units[best])
        if identity not in said:
            said.add(identity)
            chosen.append(units[best])
            cited[units[best].place] += 1
    return chosen


def find_candidates(found: SearchResponse, *, question: str) -> tuple[list[PassageUnit], list[float]]:
    """Return the units that are not much worse than the best, in their order, and how well each answers."""
    units = list_units(found.hits)
    scores = score_units(units, read_question(question, found.explanation))
    least = max(scores, default=0.0) - MARGIN
    kept = [place for place, score in enumerate(scores) if score >= least]
    return [units[place] for place in kept], [scores[place] for place in kept]


def _quote(citation: Citation) -> Statement:
    return Statement(text=citation.quotation, citations=(citation.number,))


def _show(citation: Citation) -> str:
    """Return all that a citation says, with what it stands under."""
    return "\n".join((citation.title, citation.heading, citation.quotation))
