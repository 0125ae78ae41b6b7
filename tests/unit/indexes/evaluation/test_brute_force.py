from __future__ import annotations

import numpy as np
import pytest

from eagleray.contracts.collections import Collection
from indexes.evaluation import brute_force
from indexes.evaluation.brute_force import find_neighbours
from indexes.snapshots.opened import open_snapshot
from indexes.storage.local import LocalStore
from tests.small_collections import DAY, SPEC, make_vectors, put_small_snapshot


@pytest.fixture(scope="module")
def segments(tmp_path_factory):
    store = LocalStore(tmp_path_factory.mktemp("store"))
    return open_snapshot(Collection(store, SPEC.name), put_small_snapshot(store)).segments


@pytest.mark.parametrize("block_rows", [3, 1000])
@pytest.mark.parametrize("k", [1, 4, 1000])
def test_neighbours_equal_a_plain_loop(segments, k, block_rows, monkeypatch):
    monkeypatch.setattr(brute_force, "_BLOCK_ROWS", block_rows)
    queries = make_vectors(np.random.default_rng(1), 12)
    instants = np.arange(12, dtype=np.int64) * 7 * DAY
    found = find_neighbours(segments, queries, instants=instants, k=k)
    for query, instant, rows in zip(queries, instants, found, strict=True):
        expected = sorted(
            (
                -float(view.vectors[row].astype(np.float64) @ query.astype(np.float64)),
                int(view.chunk_ids[row]),
            )
            for view in segments
            for row in range(view.n_rows)
            if view.known_from[row] <= instant < view.known_to[row]
        )[:k]
        assert [row.chunk_id for row in rows] == [chunk_id for _, chunk_id in expected]
        assert [row.similarity for row in rows] == pytest.approx([-key for key, _ in expected], abs=1e-6)
