"""From what is left of a run to its answer: statements that the verifier has passed as they are delivered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from eagleray.contracts.cited_answers import (
    AnswerNotice,
    AskRequest,
    Citation,
    CitedAnswer,
    NoticeKind,
    Statement,
    TokenUsage,
)
from eagleray.contracts.hits import SearchResponse
from serve.agents.agentic.budgets import RunEnd
from serve.agents.agentic.evidence import RunEvidence, is_withheld
from serve.agents.agentic.run_state import AgentState, Draft
from serve.agents.citations import find_identity, make_citations
from serve.agents.extractive import choose_units
from serve.agents.instructions import make_instruction_notices
from serve.agents.passage_units import PassageUnit
from serve.agents.verification import Outcome, verify

AGENTIC: Final = "agentic"
"""Name of the pipeline."""

_REPLACED: Final = "What the model wrote is not supported by what it cites; quotations stand in its place."
_ENDS: Final = {
    RunEnd.STEPS: "The steps that an answer may take were used up",
    RunEnd.TOKENS: "The tokens that an answer may take were used up",
    RunEnd.SECONDS: "The time that an answer may take was over",
    RunEnd.REPEATED: "The model asked for the same call three times",
    RunEnd.MODEL: "The model did not answer, or with nothing that can be used",
    RunEnd.WITHHELD: "The model may not be given text of these documents",
}
_LISTED: Final = 8
"""Searches that a notice names."""

Delivered = tuple[tuple[Statement, ...], tuple[Citation, ...]]


def make_answer(
    state: AgentState, request: AskRequest, *, found: SearchResponse, evidence: RunEvidence, model: str
) -> CitedAnswer:
    """Return the answer of a run.

    Args:
        state: at its end.
        request: that is answered.
        found: by the search that it began with.
        evidence: that was read.
        model: that wrote.
    """
    statements, citations = deliver(state["checked"], evidence, n=request.max_citations)
    notices = list[AnswerNotice]()
    if not statements:
        statements, citations = quote_best(found, request)
        notices.append(_tell_why(state, has_quotations=bool(statements)))
    elif any(not sentence["text"] for sentence in state["checked"]):
        notices.append(AnswerNotice(kind=NoticeKind.REPLACED, text=_REPLACED))
    notices += make_instruction_notices(state["suspects"])
    spent = state["spent"]
    return CitedAnswer(
        question=request.search.query,
        statements=statements,
        citations=citations,
        pipeline=AGENTIC,
        snapshot=state["snapshot"],
        as_of=request.search.as_of,
        retrieved=found,
        model=model,
        usage=TokenUsage(n_prompt=spent["n_prompt"], n_completion=spent["n_completion"]),
        notices=tuple(notices),
    )


def deliver(sentences: Sequence[Draft], evidence: RunEvidence, *, n: int) -> Delivered:
    """Return the statements of checked sentences with their citations, at most `n` of these.

    Each is checked once more with the citations as they are numbered, for those of several sentences may be
    joined; what does not hold then is replaced by its quotations.
    """
    said = list[tuple[str, list[PassageUnit]]]()
    for sentence in sentences:
        units = evidence.find_citable(sentence["cites"])
        parts = [(sentence["text"], units)] if sentence["text"] else [("", [unit]) for unit in units]
        for part in parts:
            if part[1] and len(make_citations(_list_units([*said, part]))) <= n:
                said.append(part)
    citations = make_citations(_list_units(said))
    statements = dict.fromkeys(
        statement for text, units in said for statement in _state(text, _number(units, said, citations))
    )
    used = {number for statement in statements for number in statement.citations}
    return tuple(statements), tuple(item for item in citations if item.number in used)


def quote_best(found: SearchResponse, request: AskRequest) -> Delivered:
    """Return the quotations that answer best without a model, but none that reads like an instruction."""
    units = choose_units(found, question=request.search.query, n=2 * request.max_citations)
    kept = [unit for unit in units if not is_withheld(unit)]
    citations = make_citations(kept[: request.max_citations])
    return tuple(_quote(citation) for citation in citations), citations


def _state(text: str, cited: Sequence[Citation]) -> list[Statement]:
    if text and verify(text, cited).outcome is Outcome.SUPPORTED:
        return [Statement(text=text, citations=tuple(item.number for item in cited))]
    return [_quote(item) for item in cited]


def _quote(citation: Citation) -> Statement:
    return Statement(text=citation.quotation, citations=(citation.number,))


def _list_units(said: Iterable[tuple[str, list[PassageUnit]]]) -> list[PassageUnit]:
    return [unit for _, units in said for unit in units]


def _number(
    units: Sequence[PassageUnit],
    said: Sequence[tuple[str, list[PassageUnit]]],
    citations: Sequence[Citation],
) -> list[Citation]:
    """Return the citations of units by their numbers; one stands for all that say the same."""
    first: dict[tuple[str, ...], PassageUnit] = {}
    for unit in _list_units(said):
        first.setdefault(find_identity(unit), unit)
    standing = [first[find_identity(unit)] for unit in units]
    return [item for item in citations if any(_holds(item, unit) for unit in standing)]


def _holds(citation: Citation, unit: PassageUnit) -> bool:
    hit = unit.hit
    is_inside = citation.start <= hit.start + unit.start and hit.start + unit.end <= citation.end
    return citation.chunk_id == hit.chunk_id and is_inside


def _tell_why(state: AgentState, *, has_quotations: bool) -> AnswerNotice:
    """Return why the answer is not the model's, or what was looked for where there is none."""
    why = _ENDS[RunEnd(state["ended"])] if state["ended"] else "The model found nothing that answers"
    if has_quotations:
        text = f"{why}; these are the passages that answer best without it."
        return AnswerNotice(kind=NoticeKind.WITHOUT_MODEL, text=text)
    looked = list(dict.fromkeys(search["query"] for search in state["searches"]))[:_LISTED]
    return AnswerNotice(kind=NoticeKind.NOT_FOUND, text=f"{why}. Looked for: {'; '.join(looked)}.")
