from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from eagleray.errors import InputError
from eagleray.testing.dense_indexes import make_clusters
from indexes.dense.kmeans import (
    Training,
    accumulate_block,
    count_blocks,
    draw_first,
    measure_imbalance,
    pass_over,
    train_centroids,
)
from indexes.dense.matching import NumpyMatcher


def split(vectors, n=500):
    return [vectors[start : start + n] for start in range(0, len(vectors), n)]


def train(vectors, **more):
    training = Training(**{"n_lists": 40, **more})
    run = pass_over(split(vectors), matcher=NumpyMatcher())
    return train_centroids(draw_first(vectors, training=training), run, training=training)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_any_number_of_workers_finds_the_same_bytes(workers):
    vectors = make_clusters(1, n=4_000)
    training = Training(n_lists=40, balance=0.5)

    def spread(centroids, handicaps, share):
        blocks = split(vectors)
        with ThreadPoolExecutor(workers) as pool:
            yield from pool.map(
                lambda block: accumulate_block(block, centroids, handicaps, matcher=NumpyMatcher()),
                blocks[: count_blocks(len(blocks), share)],
            )

    found = train_centroids(draw_first(vectors, training=training), spread, training=training)
    assert found.centroids.tobytes() == train(vectors, balance=0.5).centroids.tobytes()


def test_centroids_are_the_means_of_their_rows_brought_to_length_one():
    vectors = make_clusters(2, n=3_000)
    trained = train(vectors, n_iterations=40)
    labels = (vectors @ trained.centroids.T).argmax(axis=1)
    for number in range(40):
        mean = vectors[labels == number].astype(np.float64).mean(axis=0)
        np.testing.assert_allclose(trained.centroids[number], mean / np.linalg.norm(mean), atol=1e-4)
    errors = ((vectors - trained.centroids[labels]) ** 2).sum(axis=1)[: 500 * count_blocks(6, 0.25)]
    assert trained.mean_error == pytest.approx(float(errors.mean()), rel=1e-4)


def test_the_error_shrinks_as_passes_go_on():
    vectors = make_clusters(3, n=3_000)
    errors = [train(vectors, n_iterations=n).mean_error for n in (1, 3, 10)]
    assert errors[0] > errors[1] > errors[2]


def test_balance_evens_out_lists_at_little_cost():
    vectors = make_clusters(4, n=6_000)
    plain, even = train(vectors), train(vectors, balance=1.0)
    assert even.imbalance < plain.imbalance
    assert even.mean_error < 1.05 * plain.mean_error


def test_a_centroid_that_loses_its_rows_is_given_half_of_the_fullest_list():
    vectors = make_clusters(5, n=2_000)
    far = np.zeros((1, vectors.shape[1]), dtype=np.float32)
    far[0, 0] = -1.0
    first = np.concatenate([vectors[:3], -vectors[:1], far])
    run = pass_over(split(vectors), matcher=NumpyMatcher())
    trained = train_centroids(first, run, training=Training(n_lists=5, n_iterations=12))
    counts = np.bincount((vectors @ trained.centroids.T).argmax(axis=1), minlength=5)
    assert (counts > 0).all()
    np.testing.assert_allclose(np.linalg.norm(trained.centroids, axis=1), 1.0, atol=1e-6)


def test_too_few_distinct_vectors_are_refused():
    vectors = np.repeat(make_clusters(6, n=100)[:5], 20, axis=0)
    with pytest.raises(InputError, match="40 lists need as many distinct vectors, found"):
        draw_first(vectors, training=Training(n_lists=40))


def test_imbalance_is_one_where_lists_are_even():
    assert measure_imbalance(np.array([5, 5, 5])) == pytest.approx(1.0)
    assert measure_imbalance(np.array([15, 0, 0])) == pytest.approx(3.0)


def test_ties_go_to_the_lower_centroid():
    centroids = make_clusters(7, n=3_000)[[1, 2, 3, 2, 1, 4]]
    match = NumpyMatcher().match(centroids, centroids, handicaps=None)
    assert match.labels.tolist() == [0, 1, 2, 1, 0, 5]
