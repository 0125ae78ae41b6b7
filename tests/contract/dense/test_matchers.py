"""One suite for everything that finds the nearest centroid."""

from functools import partial

import faiss
import numpy as np
import pytest
import torch

from eagleray.testing.dense_indexes import make_clusters
from indexes.dense.faiss_matching import FaissMatcher
from indexes.dense.kmeans import Training, draw_first, pass_over, train_centroids
from indexes.dense.matching import NumpyMatcher
from indexes.dense.torch_matching import TorchMatcher
from indexes.dense.torch_two_levels import TorchGroupMatcher
from indexes.dense.two_levels import TwoLevelMatcher

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
FAISS_DEVICE = "cuda" if hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() else "cpu"

MATCHERS = {
    "numpy": NumpyMatcher,
    "two_levels": partial(TwoLevelMatcher, min_lists=1),
    "torch": partial(TorchMatcher, DEVICE),
    "torch_two_levels": lambda: TwoLevelMatcher(TorchMatcher(DEVICE), TorchGroupMatcher(DEVICE), min_lists=1),
    "faiss": partial(FaissMatcher, FAISS_DEVICE),
}


@pytest.fixture(params=list(MATCHERS))
def matcher(request):
    return MATCHERS[request.param]()


@pytest.fixture
def centroids():
    return np.ascontiguousarray(make_clusters(11, n=3_000)[3:60])


def test_each_row_gets_the_centroid_of_the_greatest_product(matcher, centroids):
    rows = make_clusters(12, n=2_500)
    match = matcher.match(rows, centroids, handicaps=None)
    products = rows.astype(np.float64) @ centroids.astype(np.float64).T
    np.testing.assert_allclose(products.max(axis=1), products[np.arange(2_500), match.labels], atol=1e-6)
    np.testing.assert_allclose(match.similarities, products.max(axis=1), atol=1e-6)
    assert match.labels.dtype == np.int32
    assert match.similarities.dtype == np.float32


def test_ties_go_to_the_lower_number(matcher, centroids):
    coarse = np.round(64.0 * centroids) / np.float32(64.0)  # so that no product is rounded, and ties are ties
    match = matcher.match(coarse, np.concatenate([coarse, coarse]), handicaps=None)
    assert match.labels.tolist() == (coarse @ coarse.T).argmax(axis=1).tolist()


def test_handicaps_move_rows_but_no_similarity(matcher, centroids):
    rows = make_clusters(13, n=1_000)
    free = matcher.match(rows, centroids, handicaps=None)
    handicaps = np.zeros(len(centroids), dtype=np.float32)
    handicaps[int(np.bincount(free.labels).argmax())] = 3.0
    moved = matcher.match(rows, centroids, handicaps=handicaps)
    assert not (moved.labels == handicaps.argmax()).any()
    products = rows.astype(np.float64) @ centroids.astype(np.float64).T
    np.testing.assert_allclose(moved.similarities, products[np.arange(1_000), moved.labels], atol=1e-6)


def test_the_same_rows_match_to_the_same_bits(matcher, centroids):
    rows = make_clusters(14, n=1_500)
    one, other = (matcher.match(rows, centroids, handicaps=None) for _ in range(2))
    assert one.labels.tobytes() == other.labels.tobytes()
    assert one.similarities.tobytes() == other.similarities.tobytes()


def test_no_row_is_no_match(matcher, centroids):
    match = matcher.match(make_clusters(15, n=100)[:0], centroids, handicaps=None)
    assert len(match.labels) == len(match.similarities) == 0


def test_k_means_ends_as_well_with_any_of_them(matcher):
    vectors = make_clusters(16, n=3_000)
    training = Training(n_lists=30)
    first = draw_first(vectors, training=training)
    reference = train_centroids(first, pass_over([vectors], matcher=NumpyMatcher()), training=training)
    found = train_centroids(first, pass_over([vectors], matcher=matcher), training=training)
    assert found.mean_error == pytest.approx(reference.mean_error, rel=0.01)
