"""What any reranker must do to take another's place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pytest

from eagleray.contracts.ports import Reranker

QUERY: Final = "basis swap curve"
PASSAGES: Final = (
    "The basis swap curve moved by two points.",
    "Repo haircuts rose.",
    "",
    "swap",
    "Margin calls on the basis swap were met in cash, " * 5,
    "curve",
)
ODD: Final = (
    "Ünïcödé 東京 🚀 basis",
    "مقايضة الأساس",
    "a\u0301\u200d\u0000b",
    "\n\t  ",
    "ﬁnance ½ ①",
    "x" * 5000,
)

_NOISE: Final = 1e-5
"""By which a score may differ where a passage is scored beside others."""


class RerankerContract:
    """A subclass gives the fixture `reranker`."""

    def test_it_is_a_reranker_that_says_which(self, reranker: Reranker) -> None:
        assert isinstance(reranker, Reranker)
        assert reranker.identity.name
        assert len(reranker.identity.digest) == 64
        assert set(reranker.identity.digest) <= set("0123456789abcdef")

    def test_no_passages_have_no_scores(self, reranker: Reranker) -> None:
        scores = reranker.score(QUERY, [])
        assert scores.shape == (0,)
        assert scores.dtype == np.float32

    @pytest.mark.parametrize("passages", [PASSAGES, ODD, PASSAGES[:1]], ids=["plain", "odd", "one"])
    @pytest.mark.parametrize("query", [QUERY, "🚀 東京?", "why " * 500], ids=["plain", "odd", "long"])
    def test_every_passage_has_a_finite_score(
        self, reranker: Reranker, query: str, passages: Sequence[str]
    ) -> None:
        scores = reranker.score(query, passages)
        assert scores.shape == (len(passages),)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()

    def test_scores_tell_passages_apart(self, reranker: Reranker) -> None:
        assert len(set(reranker.score(QUERY, PASSAGES).tolist())) > len(PASSAGES) // 2

    def test_scores_depend_on_the_question(self, reranker: Reranker) -> None:
        assert (reranker.score(QUERY, PASSAGES) != reranker.score("repo haircuts", PASSAGES)).any()

    def test_the_same_list_gives_the_same_bits(self, reranker: Reranker) -> None:
        first, second = reranker.score(QUERY, PASSAGES), reranker.score(QUERY, PASSAGES)
        assert first.tobytes() == second.tobytes()

    def test_a_passage_has_the_score_it_has_alone(self, reranker: Reranker) -> None:
        alone = np.concatenate([reranker.score(QUERY, [passage]) for passage in PASSAGES])
        np.testing.assert_allclose(reranker.score(QUERY, PASSAGES), alone, atol=_NOISE)

    def test_scores_stand_in_the_order_of_the_passages(self, reranker: Reranker) -> None:
        scores = reranker.score(QUERY, PASSAGES)
        np.testing.assert_allclose(reranker.score(QUERY, PASSAGES[::-1]), scores[::-1], atol=_NOISE)

    def test_equal_passages_of_a_list_have_equal_scores_to_the_bit(self, reranker: Reranker) -> None:
        scores = reranker.score(QUERY, [*PASSAGES, *PASSAGES[::-1], *PASSAGES])
        n = len(PASSAGES)
        assert scores[:n].tobytes() == scores[n : 2 * n][::-1].tobytes() == scores[2 * n :].tobytes()

    def test_what_it_is_given_stays_as_it_was(self, reranker: Reranker) -> None:
        passages = [*PASSAGES]
        reranker.score(QUERY, passages)
        assert passages == [*PASSAGES]
