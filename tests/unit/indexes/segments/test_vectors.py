from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from indexes.segments.vectors import map_vectors, save_vectors, stack_vectors
from tests.small_collections import make_vectors


@pytest.fixture
def vectors():
    return make_vectors(np.random.default_rng(3), 20_000, dim=8)


def test_a_saved_file_is_the_one_numpy_writes(vectors, tmp_path):
    order = np.random.default_rng(4).permutation(len(vectors))
    save_vectors(vectors, order, tmp_path / "mine.npy")
    np.save(tmp_path / "theirs.npy", vectors[order], allow_pickle=False)
    assert (tmp_path / "mine.npy").read_bytes() == (tmp_path / "theirs.npy").read_bytes()


@pytest.mark.parametrize("cuts", [[], [1, 7, 7, 9_000]])
def test_stacked_parts_are_all_of_them_in_order_and_lie_in_the_file(vectors, tmp_path, cuts):
    stacked = stack_vectors(iter(np.split(vectors, cuts)), tmp_path / "stacked")
    assert np.array_equal(stacked, vectors)
    assert not stacked.flags.writeable
    assert (tmp_path / "stacked").stat().st_size == vectors.nbytes


def test_headers_are_parsed_in_one_thread_at_a_time(vectors, tmp_path, monkeypatch):
    save_vectors(vectors, np.arange(len(vectors)), tmp_path / "vectors.npy")
    load, at_work, most, lookers = np.load, [], [], threading.Barrier(4)

    def load_seen(*args, **options):
        at_work.append(None)
        most.append(len(at_work))
        found = load(*args, **options)  # opens a file: another thread may run meanwhile
        at_work.pop()
        return found

    def map_often(_):
        lookers.wait()
        for _ in range(50):
            assert np.array_equal(map_vectors(tmp_path / "vectors.npy", n_rows=len(vectors), dim=8), vectors)

    monkeypatch.setattr(np, "load", load_seen)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(map_often, range(4)))
    assert (len(most), max(most)) == (200, 1)
