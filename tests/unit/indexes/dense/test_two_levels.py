from __future__ import annotations

import numpy as np

from indexes.dense.matching import NumpyMatcher
from indexes.dense.two_levels import TwoLevelMatcher
from tests.contract.dense.conftest import make_clusters


def test_two_levels_find_the_nearest_centroid_or_nearly_so():
    centroids = np.unique(make_clusters(1, n=1_200), axis=0)[:1_000]
    rows = make_clusters(2, n=5_000)
    exact = NumpyMatcher().match(rows, centroids, handicaps=None)
    found = TwoLevelMatcher(min_lists=500).match(rows, centroids, handicaps=None)
    assert (found.labels == exact.labels).mean() >= 0.97
    assert (exact.similarities - found.similarities).mean() <= 0.002
    np.testing.assert_allclose(
        found.similarities, np.einsum("ij,ij->i", rows, centroids[found.labels]), atol=1e-5
    )


def test_a_handicapped_centroid_is_avoided():
    centroids = np.unique(make_clusters(1, n=1_200), axis=0)[:600]
    rows = centroids[:50]
    handicaps = np.zeros(600, dtype=np.float32)
    handicaps[:50] = 5.0
    found = TwoLevelMatcher(min_lists=500).match(rows, centroids, handicaps=handicaps)
    assert (found.labels >= 50).all()


def test_few_centroids_are_all_compared():
    centroids = make_clusters(3, n=200)[:64]
    rows = make_clusters(4, n=300)
    exact = NumpyMatcher().match(rows, centroids, handicaps=None)
    found = TwoLevelMatcher().match(rows, centroids, handicaps=None)
    assert found.labels.tobytes() == exact.labels.tobytes()
    assert found.similarities.tobytes() == exact.similarities.tobytes()
