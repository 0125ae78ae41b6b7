from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.principals import ANONYMOUS
from eagleray.embedders.hashing import HashingEmbedder
from eagleray.errors import InputError
from indexes.engine_factory import make_engine_factory
from indexes.evaluation.relevance_fitting import (
    LEAST_QUESTIONS,
    Samples,
    find_evidence,
    fit_weights,
    gather_samples,
    judge_weights,
)
from indexes.evaluation.relevance_questions import OwnQuestion, make_own_questions
from indexes.fusion.relevance import BY_BOTH, BY_WORDS, HitEvidence, choose_relevance, weigh_evidence
from tests.hashing_collections import publish_hashed


def draw(rng, n, *, dense, covered, unknown):
    """Return what was found for some questions: three hits each, the first the best."""
    return tuple(
        [
            HitEvidence(
                dense=float(np.clip(rng.normal(dense, 0.05) - place * 0.1, 0, 1)),
                covered=float(np.clip(rng.normal(covered, 0.05) - place * 0.1, 0, 1)),
                unknown=float(np.clip(rng.normal(unknown, 0.03), 0, 1)),
            )
            for place in range(3)
        ]
        for _ in range(n)
    )


def make_samples(rng, *, own=(0.7, 0.8, 0.0), others=(0.5, 0.5, 0.1), general=(0.1, 0.1, 0.5)):
    found = [
        draw(rng, 60, dense=dense, covered=covered, unknown=unknown)
        for dense, covered, unknown in (own, others, general)
    ]
    return Samples(
        answers=tuple(rows[0] for rows in found[0]), answered=found[0], others=found[1], general=found[2]
    )


def test_fitted_weights_tell_apart_what_the_default_ones_do_not(rng):
    # an embedder whose cosines of unrelated texts lie at .8
    odd = {"own": (0.9, 0.75, 0.0), "others": (0.85, 0.4, 0.0), "general": (0.8, 0.1, 0.1)}
    seen, unseen = make_samples(rng, **odd), make_samples(rng, **odd)
    before = judge_weights(unseen, BY_BOTH)
    after = judge_weights(unseen, fit_weights(seen, start=BY_BOTH, is_dense=True))
    assert before.others_rejected < 0.4
    assert after.others_rejected > 0.8
    assert after.general_rejected == 1.0
    assert after.own_rejected < 0.05


def test_weights_that_do_already_are_hardly_moved(rng):
    fitted = fit_weights(make_samples(rng), start=BY_BOTH, is_dense=True)
    for name in ("dense", "covered", "unknown"):
        assert getattr(fitted, name) == pytest.approx(getattr(BY_BOTH, name), abs=1.5)


def test_words_alone_give_vectors_no_weight_and_no_evidence_speaks_the_wrong_way_round(rng):
    samples = make_samples(rng, own=(0.1, 0.8, 0.3), others=(0.9, 0.5, 0.0), general=(0.9, 0.1, 0.0))
    assert fit_weights(samples, start=BY_WORDS, is_dense=False).dense == 0.0
    fitted = fit_weights(samples, start=BY_BOTH, is_dense=True)
    assert fitted.dense >= 0.0
    assert fitted.covered >= 0.0
    assert fitted.unknown <= 0.0


def test_shares_are_of_questions_of_which_no_hit_is_relevant_and_no_hit_is_none():
    strong, weak = (
        HitEvidence(dense=0.9, covered=1.0, unknown=0.0),
        HitEvidence(dense=0, covered=0, unknown=1),
    )
    samples = Samples(
        answers=(), answered=([weak, strong], [weak]), others=([weak], [], [strong]), general=([weak, weak],)
    )
    found = judge_weights(samples, BY_BOTH)
    assert (found.own_rejected, found.general_rejected) == (0.5, 1.0)
    assert found.others_rejected == pytest.approx(2 / 3)


@pytest.fixture(scope="module")
def searcher(tmp_path_factory):
    settings, _ = publish_hashed(tmp_path_factory.mktemp("fitted"))
    engines = make_engine_factory(settings)
    opened = engines.open_snapshot("live")
    return opened, engines.make_searcher(opened, embedder=HashingEmbedder())


@pytest.mark.parametrize("mode", [SearchMode.HYBRID, SearchMode.LEXICAL])
def test_evidence_read_from_an_answer_is_that_by_which_its_hits_were_judged(searcher, mode):
    _, engine = searcher
    response = engine.search(SearchRequest(query="swap curve repo libor vega and a zebra", mode=mode))
    weights = choose_relevance(None, mode=mode, as_of=None)
    found = [weigh_evidence(weights, one) for one in find_evidence(response)]
    assert [hit.relevance for hit in response.hits] == found
    assert len(set(found)) > 3


def test_halves_are_the_same_whatever_the_order_and_share_no_question(searcher):
    opened, engine = searcher
    questions = make_own_questions(
        opened.segments, snapshot=opened.snapshot_id, principal=ANONYMOUS, n=LEAST_QUESTIONS
    )
    first, second = gather_samples(engine.search, questions, principal=ANONYMOUS)
    again = gather_samples(engine.search, questions[::-1], principal=ANONYMOUS)
    assert again == (first, second)
    assert len(first.others) + len(second.others) == LEAST_QUESTIONS
    assert len(first.general) + len(second.general) >= 100
    assert min(len(first.general), len(second.general)) > 30
    with pytest.raises(InputError, match="too few to learn relevance from"):
        gather_samples(engine.search, questions[1:], principal=ANONYMOUS)


def test_only_a_question_whose_document_comes_first_says_what_an_answer_looks_like(searcher):
    opened, engine = searcher
    questions = make_own_questions(
        opened.segments, snapshot=opened.snapshot_id, principal=ANONYMOUS, n=LEAST_QUESTIONS
    )
    nothing = [replace(one, doc_id="no-such-document") for one in questions]
    first, second = gather_samples(engine.search, nothing, principal=ANONYMOUS)
    assert first.answers == second.answers == ()
    unnamed = [OwnQuestion(query=one.query, doc_id=one.doc_id, title="") for one in questions]
    first, second = gather_samples(engine.search, unnamed, principal=ANONYMOUS)
    assert first.others == second.others == ()
