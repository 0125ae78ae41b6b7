"""What an answer is worth against the labels of its question; the verifier decides what holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eagleray.contracts.cited_answers import Citation, CitedAnswer, Statement
from indexes.evaluation.metrics import ndcg_at_k, recall_at_k, reciprocal_rank
from serve.agents.verification import Outcome, verify
from serve.evaluation.truths import Truth, is_held, read_figures, stands_in

STRICT_CITATIONS: Final = 3
"""That an answer has at most, to be right by the strict measure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalJudgement:
    """What the search of an answer is worth. Attributes: measures of the documents, by their best chunks."""

    recall: float
    reciprocal_rank: float
    ndcg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerJudgement:
    """What an answer is worth; `None` where the question has no label that tells.

    Attributes:
        retrieval: of the search that it began with.
        is_strict: whether three citations at most hold the whole answer, in documents that were judged.
        is_passage: whether a judged document is cited.
        is_answered: whether there is an answer.
        is_exact: whether it shows each part of the answer that was copied.
        is_matched: whether it shows the figure that answers.
        n_citations: in all.
        n_cited: citations of all statements.
        n_supporting: of these, that hold their statement alone, or that it needs to hold.
        n_judged_citations: in judged documents.
        n_judged: documents that were judged to answer.
        n_judged_cited: of these, that are cited.
        n_statements: in all.
        n_unsupported: that do not hold in what they cite.
        n_tokens: of a language model.
    """

    retrieval: RetrievalJudgement | None
    is_strict: bool | None
    is_passage: bool | None
    is_answered: bool
    is_exact: bool | None
    is_matched: bool | None
    n_citations: int
    n_cited: int
    n_supporting: int
    n_judged_citations: int
    n_judged: int
    n_judged_cited: int
    n_statements: int
    n_unsupported: int
    n_tokens: int


def judge_answer(
    answer: CitedAnswer, *, relevant: Mapping[str, float], truth: Truth | None, k: int
) -> AnswerJudgement:
    """Return what an answer is worth.

    Args:
        answer: as it was given.
        relevant: document -> grade, above 0; none where no documents were judged.
        truth: what answers; `None` where that is not known.
        k: hits that measures of the search look at.
    """
    quotations = [item.quotation for item in answer.citations if item.doc_id in relevant]
    cited = relevant.keys() & {item.doc_id for item in answer.citations}
    usage = answer.usage
    return AnswerJudgement(
        retrieval=_judge_search(answer, relevant, k=k) if relevant else None,
        is_strict=_is_strict(answer, quotations, truth) if relevant and truth is not None else None,
        is_passage=bool(quotations) if relevant else None,
        is_answered=answer.is_answered,
        is_exact=stands_in(truth.parts, [answer.text]) if truth is not None and truth.parts else None,
        is_matched=_is_matched(answer, truth),
        n_citations=len(answer.citations),
        n_cited=sum(len(item.citations) for item in answer.statements),
        n_supporting=_count_supporting(answer),
        n_judged_citations=len(quotations),
        n_judged=len(relevant),
        n_judged_cited=len(cited),
        n_statements=len(answer.statements),
        n_unsupported=_count_unsupported(answer),
        n_tokens=usage.n_prompt + usage.n_completion,
    )


def _judge_search(answer: CitedAnswer, relevant: Mapping[str, float], *, k: int) -> RetrievalJudgement:
    ranked = [*dict.fromkeys(hit.doc_id for hit in answer.retrieved.hits)]
    return RetrievalJudgement(
        recall=recall_at_k(ranked, frozenset(relevant), k=k),
        reciprocal_rank=reciprocal_rank(ranked, frozenset(relevant), k=k),
        ndcg=ndcg_at_k(ranked, relevant, k=k),
    )


def _is_strict(answer: CitedAnswer, quotations: list[str], truth: Truth) -> bool:
    return len(answer.citations) <= STRICT_CITATIONS and is_held(truth, quotations)


def _is_matched(answer: CitedAnswer, truth: Truth | None) -> bool | None:
    if truth is None or truth.value is None:
        return None
    return truth.value in read_figures([answer.text])


def _count_supporting(answer: CitedAnswer) -> int:
    """Return how many citations of statements hold the statement alone, or are needed for it to hold.

    Source:
        Gao et al., "Enabling Large Language Models to Generate Text with Citations", EMNLP 2023, section 4:
        citation precision.
    """
    cited = {item.number: item for item in answer.citations}
    return sum(
        _supports(statement, number, cited)
        for statement in answer.statements
        for number in statement.citations
    )


def _supports(statement: Statement, number: int, cited: Mapping[int, Citation]) -> bool:
    if _holds(statement.text, [cited[number]]):
        return True
    others = [cited[other] for other in statement.citations if other != number]
    is_held_by_all = _holds(statement.text, [cited[other] for other in statement.citations])
    return is_held_by_all and not _holds(statement.text, others)


def _count_unsupported(answer: CitedAnswer) -> int:
    cited = {item.number: item for item in answer.citations}
    return sum(not _holds(item.text, [cited[at] for at in item.citations]) for item in answer.statements)


def _holds(text: str, citations: Sequence[Citation]) -> bool:
    return verify(text, citations).outcome is Outcome.SUPPORTED
