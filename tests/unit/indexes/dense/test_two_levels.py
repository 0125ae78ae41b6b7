from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from eagleray.testing.dense_indexes import make_clusters
from indexes.dense.matching import NumpyMatcher
from indexes.dense.torch_matching import TorchMatcher
from indexes.dense.torch_two_levels import TorchGroupMatcher
from indexes.dense.two_levels import TwoLevelMatcher

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@pytest.fixture(params=["numpy", "torch"])
def make_matcher(request):
    if request.param == "numpy":
        return TwoLevelMatcher
    return partial(TwoLevelMatcher, TorchMatcher(DEVICE), TorchGroupMatcher(DEVICE))


def test_two_levels_find_the_nearest_centroid_or_nearly_so(make_matcher):
    centroids = np.unique(make_clusters(1, n=1_200), axis=0)[:1_000]
    rows = make_clusters(2, n=5_000)
    exact = NumpyMatcher().match(rows, centroids, handicaps=None)
    found = make_matcher(min_lists=500).match(rows, centroids, handicaps=None)
    assert (found.labels == exact.labels).mean() >= 0.97
    assert (exact.similarities - found.similarities).mean() <= 0.002
    np.testing.assert_allclose(
        found.similarities, np.einsum("ij,ij->i", rows, centroids[found.labels]), atol=1e-5
    )


def test_a_handicapped_centroid_is_avoided(make_matcher):
    centroids = np.unique(make_clusters(1, n=1_200), axis=0)[:600]
    rows = centroids[:50]
    handicaps = np.zeros(600, dtype=np.float32)
    handicaps[:50] = 5.0
    found = make_matcher(min_lists=500).match(rows, centroids, handicaps=handicaps)
    assert (found.labels >= 50).all()


def test_few_centroids_are_all_compared():
    centroids = make_clusters(3, n=200)[:64]
    rows = make_clusters(4, n=300)
    exact = NumpyMatcher().match(rows, centroids, handicaps=None)
    found = TwoLevelMatcher().match(rows, centroids, handicaps=None)
    assert found.labels.tobytes() == exact.labels.tobytes()
    assert found.similarities.tobytes() == exact.similarities.tobytes()
