from __future__ import annotations

import random

import numpy as np
import pytest

from benchmarks.differential_world import WORDS, make_world
from eagleray.contracts.hits import Ranking, SearchRequest
from eagleray.contracts.indexes import TextField
from eagleray.contracts.principals import Principal
from eagleray.errors import InputError
from indexes.evaluation.fitting import JudgedQuestion, fit_ranking

EVERYBODY = Principal(subject="all", groups=frozenset({"credit", "rates", "equity", "desk ü", "public"}))
START = Ranking(dense_weight=0.35, boosts={})


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return make_world(97, tmp_path_factory.mktemp("fitting"))


def draw_questions(world, choose, *, n=50):
    """Return questions of random words, each answered by the documents `choose` returns."""
    drawn = random.Random(5)  # noqa: S311 - draws words, not secrets
    questions = []
    for number in range(n):
        query = " ".join([*drawn.choices(WORDS, k=3), f"q{number}"])
        world.embedder.draw(query)
        request = SearchRequest(query=query, principal=EVERYBODY, exact=True)
        questions.append(JudgedQuestion(request=request, relevant=choose(request, drawn)))
    return questions


def answer_with(world, ranking):
    def choose(request, _):
        options = {"query": request.query, "principal": EVERYBODY, "exact": True, "k": 2}
        return {
            hit.doc_id: 1.0 for hit in world.searcher.search(SearchRequest(ranking=ranking, **options)).hits
        }

    return choose


def remember(search):
    """Return a search that answers a request it has answered from memory: fits ask many of them again."""
    known = {}

    def find(request):
        name = repr(request)
        if name not in known:
            known[name] = search(request)
        return known[name]

    return find


@pytest.mark.parametrize(
    "truth",
    [
        Ranking(dense_weight=0.85, boosts={}),
        Ranking(dense_weight=0.1, boosts={TextField.TITLE: 2.0}),
    ],
)
def test_weights_that_questions_were_judged_by_are_found_again(world, truth):
    questions = draw_questions(world, answer_with(world, truth))
    search = remember(world.searcher.search)
    fit = fit_ranking(search, questions, start=START)
    assert fit.is_better
    assert fit.after > 0.9 > fit.before
    assert fit.ranking.dense_weight == pytest.approx(truth.dense_weight, abs=0.15)
    assert bool(fit.ranking.boosts) == bool(truth.boosts)
    again = fit_ranking(search, questions[::-1], start=START)
    assert again == fit


def test_questions_judged_by_chance_change_nothing(world):
    documents = sorted({row.doc_id for row in world.rows})
    questions = draw_questions(world, lambda _, drawn: {drawn.choice(documents): 1.0})
    fit = fit_ranking(world.searcher.search, questions, start=START)
    assert not fit.is_better
    assert np.isfinite([fit.before, fit.after, fit.margin]).all()


def test_too_few_questions_or_one_asked_again_and_again_are_refused(world):
    questions = draw_questions(world, lambda _, drawn: {"doc1": 1.0}, n=10)
    with pytest.raises(InputError, match="10 judged questions are too few"):
        fit_ranking(world.searcher.search, questions, start=START)
    with pytest.raises(InputError, match="nearly all the same"):
        fit_ranking(world.searcher.search, questions[:1] * 50, start=START)


def test_a_dense_weight_that_is_held_stays_while_boosts_are_fitted(world):
    truth = Ranking(dense_weight=0.1, boosts={TextField.TITLE: 2.0})
    questions = draw_questions(world, answer_with(world, truth))
    fit = fit_ranking(world.searcher.search, questions, start=START, fits_dense=False)
    assert fit.ranking.dense_weight == START.dense_weight
    assert TextField.TITLE in fit.ranking.boosts
    assert fit.after > fit.before
