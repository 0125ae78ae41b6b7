from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.indexes import IndexKind, LearntEffort
from eagleray.testing.dense_indexes import make_clusters
from indexes.dense.codebooks import train_codebook
from indexes.dense.kmeans import Training, pass_over
from indexes.dense.matching import NumpyMatcher
from indexes.evaluation.probes import GateSample
from indexes.evaluation.recall import check_recall, find_least
from indexes.segments.opened_segment import open_segment
from indexes.selections import select_mask
from indexes.storage.local import LocalStore
from tests.small_collections import SPEC, make_rows, put_segment


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    """A segment with lists that learnt from a fifth of its probes."""
    rng = np.random.default_rng(3)
    rows = make_rows(rng, n_documents=2_500)
    vectors = make_clusters(31, n=len(rows))
    probes = make_clusters(32, n=400)
    run = pass_over([vectors], matcher=NumpyMatcher())
    codebook = train_codebook(
        [vectors], run, kind=IndexKind.IVF_PQ, training=Training(n_lists=64), probes=probes
    )
    store = LocalStore(tmp_path_factory.mktemp("store"))
    return open_segment(Collection(store, SPEC.name), put_segment(store, rows, vectors, codebook=codebook))


def test_a_segment_that_learnt_its_effort_passes_in_every_slice(view):
    check = check_recall([view], np.random.default_rng(1), sample=GateSample())
    assert check.passed
    assert check.figures["n_slices"] >= 4
    assert check.figures["min_bound"] >= 0.98


def test_too_little_effort_is_found_and_its_slices_are_named(view):
    lazy = LearntEffort(share=0.01, probed=0.02, n_candidates=1, recall=0.99)
    check = check_recall([replace(view, efforts=(lazy,))], np.random.default_rng(1), sample=GateSample())
    assert not check.passed
    assert "now: 0." in check.detail


def test_flat_segments_need_no_recall(view):
    flat = replace(view, inverted=None, efforts=())
    assert check_recall([flat], np.random.default_rng(1), sample=GateSample()).passed


def test_the_least_similarity_is_that_of_the_tenth_neighbour_among_the_selected():
    vectors, queries = make_clusters(33, n=3_000), make_clusters(34, n=50)[:7]
    mask = np.random.default_rng(5).random(3_000) < 0.1
    least = find_least(vectors, queries, select_mask(mask))
    expected = np.sort(queries @ vectors[mask].T, axis=1)[:, -10]
    np.testing.assert_allclose(least, expected, atol=1e-6)


def test_of_fewer_rows_than_ten_the_least_is_that_of_the_last():
    vectors, queries = make_clusters(33, n=3_000), make_clusters(34, n=50)[:7]
    mask = np.arange(3_000) < 4
    least = find_least(vectors, queries, select_mask(mask))
    np.testing.assert_allclose(least, (queries @ vectors[:4].T).min(axis=1), atol=1e-6)
