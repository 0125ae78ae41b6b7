"""What any dense index must do to take another's place, against brute force in double precision."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest

from eagleray.contracts.ports import FloatMatrix, FloatVector
from eagleray.errors import QueryError

N_ROWS: Final = 3_000
DIM: Final = 32

Mask = npt.NDArray[np.bool_]
"""bool [N_ROWS]: rows that may come back."""

Found = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]
"""Rows, best first, and their similarities."""

SELECTIONS: Final = ("all", "prefix", "random", "clustered", "late", "one")


def make_clusters(seed: int, *, n: int) -> FloatMatrix:
    """Return float32 [n, DIM], n at least 50: unit vectors around 40 centres, some of them twice."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((40, DIM))
    vectors = centres[rng.integers(0, 40, size=n)] + 0.6 * rng.standard_normal((n, DIM))
    vectors[:: n // 50] = vectors[1]
    return np.ascontiguousarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def make_mask(kind: str, rng: np.random.Generator, vectors: FloatMatrix) -> Mask:
    """Return rows of one of `SELECTIONS`."""
    rows, n_prefix = np.arange(len(vectors)), int(rng.integers(1, len(vectors)))
    masks: dict[str, Mask] = {
        "all": rows >= 0,
        "prefix": rows < n_prefix,
        "random": rng.random(len(vectors)) < rng.choice([0.5, 0.1, 0.01]),
        "clustered": vectors @ vectors[n_prefix] > 0.3,
        "late": (rows >= n_prefix) & (rng.random(len(vectors)) < 0.7),
        "one": rows == n_prefix,
    }
    return masks[kind]


@lru_cache
def make_vectors() -> FloatMatrix:
    """Return the vectors an index is built over: float32 [N_ROWS, DIM], unit L2 norm."""
    return make_clusters(1, n=N_ROWS)


@lru_cache
def make_ids() -> npt.NDArray[np.int64]:
    """Return the chunk of each row: int64 [N_ROWS]."""
    return np.random.default_rng(2).permutation(N_ROWS).astype(np.int64) * 7


class DenseIndexContract(ABC):
    """A subclass gives the fixture `index`, over `make_vectors()` and `make_ids()`, and `search`."""

    @abstractmethod
    def search(self, index: Any, query: FloatVector, *, k: int, mask: Mask, effort: float) -> Found:
        """Return what an index finds.

        Args:
            index: what the fixture gave.
            query: float32 [DIM], unit L2 norm.
            k: rows wanted.
            mask: rows that may come back.
            effort: above 0; 1.0 compares every row of the mask, less may miss some.
        """

    @pytest.mark.parametrize("kind", SELECTIONS)
    @pytest.mark.parametrize("k", [1, 10, 200])
    def test_the_whole_effort_finds_the_true_neighbours(self, index: Any, kind: str, k: int) -> None:
        rng, vectors = np.random.default_rng(7), make_vectors()
        for query in make_clusters(3, n=50)[:12]:
            mask = make_mask(kind, rng, vectors)
            rows, similarities = self.search(index, query, k=k, mask=mask, effort=1.0)
            _, truth = _find_truth(query, mask)
            assert len(rows) == min(k, mask.sum())
            np.testing.assert_allclose(similarities, truth[: len(rows)], atol=1e-6)
            exact = vectors[rows].astype(np.float64) @ query.astype(np.float64)
            np.testing.assert_allclose(exact, similarities, atol=1e-6)
            assert len(set(rows.tolist())) == len(rows)

    def test_ties_go_to_the_lower_chunk_id(self, index: Any) -> None:
        vectors, ids = make_vectors(), make_ids()
        twins = np.flatnonzero((vectors == vectors[1]).all(axis=1))
        assert len(twins) > 10
        rows, similarities = self.search(index, vectors[1], k=5, mask=_select_all(), effort=1.0)
        assert ids[rows].tolist() == sorted(ids[twins].tolist())[:5]
        assert len(set(similarities.tolist())) == 1

    @pytest.mark.parametrize("kind", SELECTIONS)
    def test_no_effort_lets_a_row_out_of_its_mask(self, index: Any, kind: str) -> None:
        rng, vectors = np.random.default_rng(7), make_vectors()
        for query in make_clusters(4, n=60)[:25]:
            mask = make_mask(kind, rng, vectors)
            rows, _ = self.search(index, query, k=20, mask=mask, effort=float(rng.uniform(0.01, 1.0)))
            assert mask[rows].all()

    def test_half_the_effort_finds_nearly_all(self, index: Any) -> None:
        hits, queries = 0, make_clusters(5, n=100)
        for query in queries:
            found, _ = self.search(index, query, k=10, mask=_select_all(), effort=0.5)
            rows, _ = _find_truth(query, _select_all())
            hits += len(set(found.tolist()) & set(rows[:10].tolist()))
        assert hits / (10 * len(queries)) >= 0.9

    @pytest.mark.parametrize("k", [0, -1])
    def test_k_below_one_is_refused(self, index: Any, k: int) -> None:
        with pytest.raises(QueryError, match="k must be at least 1"):
            self.search(index, make_vectors()[0], k=k, mask=_select_all(), effort=1.0)

    def test_k_above_the_rows_returns_them_all(self, index: Any) -> None:
        rows, _ = self.search(index, make_vectors()[0], k=N_ROWS + 5, mask=_select_all(), effort=1.0)
        assert sorted(rows.tolist()) == list(range(N_ROWS))

    def test_a_mask_of_nothing_finds_nothing(self, index: Any) -> None:
        rows, similarities = self.search(index, make_vectors()[0], k=3, mask=~_select_all(), effort=1.0)
        assert len(rows) == len(similarities) == 0


def _select_all() -> Mask:
    return np.ones(N_ROWS, dtype=np.bool_)


def _find_truth(query: FloatVector, mask: Mask) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the rows of a mask, best first, and their similarities in double precision."""
    vectors, ids, rows = make_vectors(), make_ids(), np.flatnonzero(mask)
    similarities = vectors[rows].astype(np.float64) @ query.astype(np.float64)
    order = np.lexsort((ids[rows], -similarities))
    return rows[order], similarities[order]
