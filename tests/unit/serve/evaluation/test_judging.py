"""What an answer is worth against labels."""

from __future__ import annotations

from decimal import Decimal

import pytest

from serve.agents.verification import ClaimVerdict, Outcome
from serve.evaluation.judging import RetrievalJudgement, judge_answer
from serve.evaluation.truths import make_truth
from tests.unit.serve.evaluation.answers import SOLD, make_answer, make_nothing

TRUTH = make_truth(["$1,496.5"])
TABLE = {"table": 1.0}


def judge(answer, *, relevant=TABLE, truth=TRUTH, k=10):
    return judge_answer(answer, relevant=relevant, truth=truth, k=k)


def test_an_answer_that_cites_what_holds_it_is_right_by_every_measure():
    found = judge(make_answer((SOLD, "Total sales")))
    assert (found.is_strict, found.is_passage, found.is_exact, found.is_matched) == (True, True, True, True)
    assert (found.n_citations, found.n_supporting, found.n_judged_citations, found.n_judged_cited) == (
        1,
        1,
        1,
        1,
    )
    assert (found.n_statements, found.n_unsupported, found.n_tokens) == (1, 0, 15)


def test_measures_of_the_search_look_at_each_document_once_at_its_best_rank():
    assert judge(make_answer()).retrieval == RetrievalJudgement(
        recall=1.0, reciprocal_rank=0.5, ndcg=pytest.approx(0.6309, abs=1e-4)
    )
    assert judge(make_answer(), k=1).retrieval == RetrievalJudgement(recall=0, reciprocal_rank=0, ndcg=0)


def test_what_no_label_tells_is_not_judged():
    found = judge(make_answer((SOLD, "Total sales")), relevant={}, truth=None)
    assert (found.retrieval, found.is_strict, found.is_passage, found.is_exact, found.is_matched) == (
        None,
    ) * 5
    assert (found.n_judged, found.is_answered, found.n_supporting) == (0, True, 1)


def test_a_computed_answer_is_held_by_its_operands():
    truth = make_truth(["293.6"], {Decimal("1496.5"), Decimal("1202.9")})
    found = judge(make_answer((None, "Total sales")), truth=truth)
    assert (found.is_strict, found.is_exact, found.is_matched) == (True, None, False)
    assert judge(make_answer((None, "Other")), truth=truth).is_strict is False


def test_more_than_three_citations_are_never_strict():
    parts = ("Total sales", "Other", "Fixed price", "Interest is paid")
    answer = make_answer(*((None, part) for part in parts))
    assert len(answer.citations) == 4
    assert judge(answer).is_strict is False
    assert judge(make_answer(*((None, part) for part in parts[:3]))).is_strict is True


def test_what_the_verifier_does_not_find_in_what_is_cited_is_counted():
    found = judge(make_answer(("Total sales were $1,600 million in 2019.", "Total sales"), (None, "Other")))
    assert (found.n_statements, found.n_unsupported) == (2, 1)
    assert (found.n_citations, found.n_supporting) == (2, 1)


def test_a_citation_counts_where_the_statement_needs_it_and_not_where_it_is_only_there(monkeypatch):
    answer = make_answer((SOLD, "Total sales", "Interest is paid"))
    idle = judge(answer)
    assert (idle.n_citations, idle.n_supporting, idle.n_unsupported) == (2, 1, 0)

    def need_both(_, citations):
        return ClaimVerdict(outcome=Outcome.SUPPORTED if len(citations) == 2 else Outcome.UNSUPPORTED)

    monkeypatch.setattr("serve.evaluation.judging.verify", need_both)
    needed = judge(answer)
    assert (needed.n_citations, needed.n_supporting, needed.n_unsupported) == (2, 2, 0)


def test_no_answer_is_no_coverage():
    found = judge(make_nothing())
    assert (found.is_answered, found.is_strict, found.is_passage, found.is_matched) == (False,) * 4
    assert (found.n_citations, found.n_statements, found.n_judged_cited) == (0, 0, 0)
