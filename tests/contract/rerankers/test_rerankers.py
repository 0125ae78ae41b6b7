"""What any reranker must do to take another's place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.contracts.ports import Reranker
from eagleray.rerankers import load_reranker

QUERY = "basis swap curve"
PASSAGES = (
    "The basis swap curve moved by two points.",
    "Repo haircuts rose.",
    "",
    "swap",
    "Margin calls on the basis swap were met in cash, " * 5,
    "curve",
)
ODD = ("Ünïcödé 東京 🚀 basis", "مقايضة الأساس", "a\u0301\u200d\u0000b", "\n\t  ", "ﬁnance ½ ①", "x" * 5000)


def test_it_is_a_reranker_that_says_which(reranker):
    assert isinstance(reranker, Reranker)
    assert reranker.identity.name
    assert len(reranker.identity.digest) == 64
    assert set(reranker.identity.digest) <= set("0123456789abcdef")


def test_no_passages_have_no_scores(reranker):
    scores = reranker.score(QUERY, [])
    assert scores.shape == (0,)
    assert scores.dtype == np.float32


@pytest.mark.parametrize("passages", [PASSAGES, ODD, PASSAGES[:1]], ids=["plain", "odd", "one"])
@pytest.mark.parametrize("query", [QUERY, "🚀 東京?", "why " * 500], ids=["plain", "odd", "long"])
def test_every_passage_has_a_finite_score(reranker, query, passages):
    scores = reranker.score(query, passages)
    assert scores.shape == (len(passages),)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()


def test_scores_tell_passages_apart(reranker):
    assert len(set(reranker.score(QUERY, PASSAGES).tolist())) > len(PASSAGES) // 2


def test_scores_depend_on_the_question(reranker):
    assert (reranker.score(QUERY, PASSAGES) != reranker.score("repo haircuts", PASSAGES)).any()


def test_the_same_list_gives_the_same_bits(reranker):
    first, second = reranker.score(QUERY, PASSAGES), reranker.score(QUERY, PASSAGES)
    assert first.tobytes() == second.tobytes()


def test_a_passage_has_the_score_it_has_alone(reranker):
    alone = np.concatenate([reranker.score(QUERY, [passage]) for passage in PASSAGES])
    np.testing.assert_allclose(reranker.score(QUERY, PASSAGES), alone, atol=1e-5)


def test_scores_stand_in_the_order_of_the_passages(reranker):
    scores = reranker.score(QUERY, PASSAGES)
    np.testing.assert_allclose(reranker.score(QUERY, PASSAGES[::-1]), scores[::-1], atol=1e-5)


def test_equal_passages_of_a_list_have_equal_scores_to_the_bit(reranker):
    scores = reranker.score(QUERY, [*PASSAGES, *PASSAGES[::-1], *PASSAGES])
    n = len(PASSAGES)
    assert scores[:n].tobytes() == scores[n : 2 * n][::-1].tobytes() == scores[2 * n :].tobytes()


def test_what_it_is_given_stays_as_it_was(reranker):
    passages = list(PASSAGES)
    reranker.score(QUERY, passages)
    assert passages == list(PASSAGES)


@given(passages=st.lists(st.text(max_size=80), max_size=12), seed=st.integers(0, 1000))
def test_no_list_and_no_order_moves_a_score_beyond_float_noise(settings, passages, seed):
    reranker = _load_once(settings)
    order = np.random.default_rng(seed).permutation(len(passages))
    shuffled = reranker.score(QUERY, [passages[place] for place in order])
    np.testing.assert_allclose(shuffled, reranker.score(QUERY, passages)[order], atol=1e-5)


_loaded = {}


def _load_once(settings):
    return _loaded.setdefault(settings, load_reranker(settings))
