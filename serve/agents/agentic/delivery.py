"""From what is left of a run to its answer: statements that the verifier has passed as they are delivered."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from eagleray.contracts.cited_answers import AnswerNotice, AskRequest, CitedAnswer, NoticeKind, TokenUsage
from eagleray.contracts.hits import SearchResponse
from serve.agents.agentic.budgets import RunEnd
from serve.agents.agentic.evidence import RunEvidence
from serve.agents.agentic.run_state import AgentState
from serve.agents.checked_sentences import CheckedSentence, compose_answer
from serve.agents.extractive import find_candidates, quote_best
from serve.agents.instructions import make_instruction_notices, withhold_instructions

AGENTIC: Final = "agentic"
"""Name of the pipeline."""

_REPLACED: Final = "What the model wrote is not supported by what it cites; quotations stand in its place."
_ENDS: Final = {
    RunEnd.STEPS: "The steps that an answer may take were used up",
    RunEnd.TOKENS: "The tokens that an answer may take were used up",
    RunEnd.SECONDS: "The time that an answer may take was over",
    RunEnd.REPEATED: "The model asked for the same call three times",
    RunEnd.MODEL: "The model did not answer, or with nothing that can be used",
    RunEnd.WAITING: "The model asked for a call that a person has to allow first",
    RunEnd.WITHHELD: "The model may not be given text of these documents",
}
_LISTED: Final = 8
"""Searches that a notice names."""


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
    sentences = [
        CheckedSentence(
            text=one["text"], units=tuple(evidence.find_citable(one["cites"])), fault=one["fault"]
        )
        for one in state["checked"]
    ]
    read = replace(found, hits=evidence.hits)
    candidates, _ = find_candidates(read, question=request.search.query)
    composed = compose_answer(sentences, answering=candidates, max_citations=request.max_citations)
    statements, citations = composed.statements, composed.citations
    notices = list[AnswerNotice]()
    if not statements:
        kept, _ = withhold_instructions(found.hits)
        statements, citations = quote_best(request, replace(found, hits=kept))
        notices.append(_tell_why(state, has_quotations=bool(statements)))
    elif composed.n_replaced:
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


def _tell_why(state: AgentState, *, has_quotations: bool) -> AnswerNotice:
    """Return why the answer is not the model's, or what was looked for where there is none."""
    why = _ENDS[RunEnd(state["ended"])] if state["ended"] else "The model found nothing that answers"
    if has_quotations:
        text = f"{why}; these are the passages that answer best without it."
        return AnswerNotice(kind=NoticeKind.WITHOUT_MODEL, text=text)
    looked = list(dict.fromkeys(search["query"] for search in state["searches"]))[:_LISTED]
    return AnswerNotice(kind=NoticeKind.NOT_FOUND, text=f"{why}. Looked for: {'; '.join(looked)}.")
