"""Deterministic spherical k-means: fixed blocks of rows, double-precision sums, added in the blocks' order.

One iteration is a pass over all blocks, each on its own, wherever it runs; `Pass` is that hand-over.
So the centroids are the same bytes for any number of workers. What the centroids are used for lives
in `codebooks`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numba
import numpy as np
import numpy.typing as npt

from eagleray.contracts.ports import FloatMatrix
from eagleray.errors import InputError
from indexes.dense.matching import Matcher
from indexes.dense.vectors import FloatVector

ROWS_PER_CENTROID: Final = 256
"""Rows a centroid is trained on at most: more do not move it. Source: FAISS's
`ClusteringParameters.max_points_per_centroid`, whose default this is."""

_PACE: Final = 0.03
"""Share of the mean error by which a list of e times the mean size is held back; three times as much
makes lists of text embeddings and of SIFT swing from full to empty."""

_FIRST_SHARE: Final = 0.25
"""Share of the rows that the first iterations pass over."""

_SPLIT: Final = np.float32(1.0 / 1024.0)
"""By how much the halves of a split centroid differ. Source: `EPS` of FAISS's `Clustering.cpp`."""

DoubleMatrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What the centroids depend on beside the rows.

    Attributes:
        n_lists: centroids wanted.
        n_iterations: passes over the rows, the first ones over a part of them.
        seed: chooses the first centroids.
        balance: from 0 to 1, how strongly full lists are avoided; 0 leaves them as they come.
    """

    n_lists: int
    n_iterations: int = 10
    seed: int = 1
    balance: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """What a block of rows adds to the next centroids.

    Attributes:
        sums: float64 [n_lists, dim], of the rows nearest to each centroid.
        counts: int64 [n_lists].
        error: sum of squared distances to the nearest centroid.
    """

    sums: DoubleMatrix
    counts: npt.NDArray[np.int64]
    error: float


Pass: TypeAlias = Callable[[FloatMatrix, FloatVector | None, float], Iterable[Partial]]
"""Centroids, handicaps and a share in; each block's `Partial` out, in the order of the blocks.

Only the first blocks are passed over: as many as the share of all of them is, at least one.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """Centroids and how well they fit.

    Attributes:
        centroids: float32 [n_lists, dim], unit L2 norm.
        mean_error: mean squared distance of a row of the first blocks to its centroid.
        imbalance: of the lists of these rows, as `measure_imbalance` has it.
    """

    centroids: FloatMatrix
    mean_error: float
    imbalance: float


def accumulate_block(
    rows: FloatMatrix, centroids: FloatMatrix, handicaps: FloatVector | None, *, matcher: Matcher
) -> Partial:
    """Return what one block of rows adds; always the same bits for the same block."""
    match = matcher.match(rows, centroids, handicaps=handicaps)
    sums = np.zeros(centroids.shape, dtype=np.float64)
    _add_rows(rows, match.labels, sums)
    counts = np.bincount(match.labels, minlength=len(centroids)).astype(np.int64)
    error = float((2.0 - 2.0 * match.similarities.astype(np.float64)).sum())
    return Partial(sums=sums, counts=counts, error=error)


def train_centroids(first: FloatMatrix, run: Pass, *, training: Training) -> Trained:
    """Return the centroids after `training.n_iterations` passes.

    Args:
        first: float32 [n_lists, dim], where the centroids begin; see `draw_first`.
        run: passes over the rows.
        training: what is wanted.
    """
    centroids = first
    handicaps: FloatVector | None = None
    for iteration in range(training.n_iterations):
        share = _find_share(iteration / training.n_iterations)
        sums, counts, error = _add_up(run(centroids, handicaps, share), centroids)
        centroids = _move(centroids, sums, counts)
        if training.balance:
            handicaps = _find_handicaps(counts, error, handicaps, balance=training.balance)
    _, counts, error = _add_up(run(centroids, None, _FIRST_SHARE), centroids)
    n_rows = int(counts.sum())
    return Trained(centroids=centroids, mean_error=error / n_rows, imbalance=measure_imbalance(counts))


def count_blocks(n_blocks: int, share: float) -> int:
    """Return how many blocks a pass over a share of them covers."""
    return max(1, math.ceil(share * n_blocks))


def _find_share(progress: float) -> float:
    """Return which share of the rows an iteration needs: centroids far from their places need few.

    Source: Newling and Fleuret, Nested Mini-Batch K-Means (2016): batches that double as the centroids
        settle.
    """
    if progress < 0.4:
        return _FIRST_SHARE
    return 0.5 if progress < 0.7 else 1.0


def measure_imbalance(counts: npt.NDArray[np.int64]) -> float:
    """Return the number of lists times the sum of their squared shares of the rows; 1 is perfectly even.

    Source: `imbalance_factor` of FAISS.
    """
    shares = counts / counts.sum()
    return float(len(counts) * np.square(shares).sum())


def draw_first(rows: FloatMatrix, *, training: Training) -> FloatMatrix:
    """Return float32 [n_lists, dim]: distinct rows, drawn by the seed.

    Raises:
        InputError: there are fewer distinct rows than lists.
    """
    rng = np.random.default_rng(training.seed)
    order = rng.permutation(len(rows))
    drawn = rows[order[: 2 * training.n_lists]]
    places = np.sort(np.unique(drawn, axis=0, return_index=True)[1])
    if len(places) < training.n_lists:
        drawn = rows[order]
        places = np.sort(np.unique(drawn, axis=0, return_index=True)[1])
    if len(places) < training.n_lists:
        detail = f"{training.n_lists} lists need as many distinct vectors, found {len(places)}"
        raise InputError(detail=detail)
    return np.ascontiguousarray(drawn[places[: training.n_lists]])


def pass_over(blocks: Sequence[FloatMatrix], *, matcher: Matcher) -> Pass:
    """Return a `Pass` that runs here, block after block."""

    def run(centroids: FloatMatrix, handicaps: FloatVector | None, share: float) -> Iterable[Partial]:
        for block in blocks[: count_blocks(len(blocks), share)]:
            yield accumulate_block(block, centroids, handicaps, matcher=matcher)

    return run


def _add_up(
    partials: Iterable[Partial], centroids: FloatMatrix
) -> tuple[DoubleMatrix, npt.NDArray[np.int64], float]:
    sums = np.zeros(centroids.shape, dtype=np.float64)
    counts = np.zeros(len(centroids), dtype=np.int64)
    error = 0.0
    for partial in partials:
        sums += partial.sums
        counts += partial.counts
        error += partial.error
    return sums, counts, error


def _move(centroids: FloatMatrix, sums: DoubleMatrix, counts: npt.NDArray[np.int64]) -> FloatMatrix:
    """Return the means, of length 1; an empty centroid becomes half of the one with most rows."""
    moved = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centroids)
    left = counts.copy()
    for empty in np.flatnonzero(counts == 0):
        fullest = int(left.argmax())
        signs = np.where(np.arange(moved.shape[1]) % 2 == 0, 1.0, -1.0)
        moved[empty] = moved[fullest] * (1.0 + signs * _SPLIT)
        moved[fullest] = moved[fullest] * (1.0 - signs * _SPLIT)
        left[empty] = left[fullest] // 2
        left[fullest] -= left[empty]
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    moved = np.where(lengths > 0.0, moved / np.maximum(lengths, 1e-30), centroids)
    return np.ascontiguousarray(moved, dtype=np.float32)


def _find_handicaps(
    counts: npt.NDArray[np.int64], error: float, handicaps: FloatVector | None, *, balance: float
) -> FloatVector:
    """Return what keeps rows from full lists: float32 [n_lists], more where a list stays too full."""
    surplus = np.log(np.clip(counts * len(counts) / counts.sum(), 0.25, 4.0))
    before = np.zeros(len(counts)) if handicaps is None else handicaps.astype(np.float64)
    step = balance * _PACE * error / counts.sum() * surplus
    handicapped: FloatVector = (before / 2.0 + step).astype(np.float32)
    return handicapped


@numba.njit(cache=True, nogil=True)
def _add_rows(rows: FloatMatrix, labels: npt.NDArray[np.int32], sums: DoubleMatrix) -> None:
    for row in range(rows.shape[0]):
        label = labels[row]
        for place in range(rows.shape[1]):
            sums[label, place] += rows[row, place]
