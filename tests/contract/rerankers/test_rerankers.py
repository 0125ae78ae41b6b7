from __future__ import annotations

from functools import cache

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eagleray.rerankers import load_reranker
from eagleray.testing.rerankers import QUERY, RerankerContract


class TestRerankers(RerankerContract):
    """Each kind; the fixture `reranker` gives them."""


@given(passages=st.lists(st.text(max_size=80), max_size=12), seed=st.integers(0, 1000))
def test_no_list_and_no_order_moves_a_score_beyond_float_noise(settings, passages, seed):
    reranker = _load_once(settings)
    order = np.random.default_rng(seed).permutation(len(passages))
    shuffled = reranker.score(QUERY, [passages[place] for place in order])
    np.testing.assert_allclose(shuffled, reranker.score(QUERY, passages)[order], atol=1e-5)


_load_once = cache(load_reranker)
