"""The nearest of very many centroids: first the nearest groups of centroids, then the nearest within.

Above `MIN_LISTS` centroids comparing with every one costs more than all else in a build. Groups are the
result of k-means over the centroids themselves, so nothing has to be kept beside them. A few rows
get a centroid that is nearly the nearest.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from eagleray.contracts.ports import FloatMatrix
from indexes.dense.kmeans import Training, draw_first, pass_over, train_centroids
from indexes.dense.matching import Match, Matcher, NumpyMatcher
from indexes.dense.vectors import FloatVector

MIN_LISTS: Final = 16_384
"""Lists from which two levels are used: below, one GEMM over all is cheap."""

N_NEAR: Final = 8
"""Groups looked into for each row."""

_BLOCK_ROWS: Final = 32_768
_PASSES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Centroids in groups: group `g` holds `members[starts[g]:starts[g + 1]]`, ascending.

    Attributes:
        centres: float32 [n_groups, dim].
        members: int64 [n_centroids].
        starts: int64 [n_groups + 1].
    """

    centres: FloatMatrix
    members: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]

    @property
    def n_near(self) -> int:
        """Groups looked into for each row."""
        return min(N_NEAR, len(self.centres))


class MatchGroups(Protocol):
    """Finds the nearest centroid of each row among those of the groups nearest to it."""

    def __call__(
        self, rows: FloatMatrix, centroids: FloatMatrix, groups: Groups, *, handicaps: FloatVector | None
    ) -> Match:
        """Return what `Matcher.match` does, looking into `groups.n_near` groups."""
        ...


class TwoLevelMatcher:
    """Compares with every centroid where they are few, and in two levels where they are many."""

    def __init__(
        self,
        inner: Matcher | None = None,
        match_groups: MatchGroups | None = None,
        *,
        min_lists: int = MIN_LISTS,
    ) -> None:
        """Take what compares; in numpy, if nothing is given.

        Args:
            inner: compares rows with all centroids.
            match_groups: compares them with those of the nearest groups.
            min_lists: centroids from which there are groups.
        """
        self._inner = inner or NumpyMatcher()
        self._match_groups = match_groups or match_in_groups
        self._min_lists = min_lists
        self._known: tuple[FloatMatrix | None, Groups | None] = (None, None)
        self._lock = threading.Lock()

    def match(self, rows: FloatMatrix, centroids: FloatMatrix, *, handicaps: FloatVector | None) -> Match:
        """Return the nearest centroid of each row, or nearly so; see `Matcher`."""
        if len(centroids) < self._min_lists:
            return self._inner.match(rows, centroids, handicaps=handicaps)
        return self._match_groups(rows, centroids, self._group(centroids), handicaps=handicaps)

    def _group(self, centroids: FloatMatrix) -> Groups:
        with self._lock:
            known, groups = self._known
            if groups is None or known is None or not np.array_equal(known, centroids):
                groups = make_groups(centroids, self._inner)
                self._known = (centroids, groups)
            return groups


def make_groups(centroids: FloatMatrix, matcher: Matcher) -> Groups:
    """Return about the root of the centroids as groups of them."""
    training = Training(n_lists=max(1, round(len(centroids) ** 0.5)), n_iterations=_PASSES)
    run = pass_over([centroids], matcher=matcher)
    centres = train_centroids(draw_first(centroids, training=training), run, training=training).centroids
    labels = matcher.match(centroids, centres, handicaps=None).labels
    members = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[members], np.arange(len(centres) + 1))
    return Groups(centres=centres, members=members, starts=starts)


def match_in_groups(
    rows: FloatMatrix, centroids: FloatMatrix, groups: Groups, *, handicaps: FloatVector | None
) -> Match:
    """Match in numpy, in one thread; see `MatchGroups`."""
    labels = np.empty(len(rows), dtype=np.int32)
    similarities = np.empty(len(rows), dtype=np.float32)
    with threadpool_limits(1):
        for start in range(0, len(rows), _BLOCK_ROWS):
            block = slice(start, min(start + _BLOCK_ROWS, len(rows)))
            labels[block], similarities[block] = _match_block(rows[block], centroids, groups, handicaps)
    return Match(labels=labels, similarities=similarities)


def _match_block(
    rows: FloatMatrix, centroids: FloatMatrix, groups: Groups, handicaps: FloatVector | None
) -> tuple[npt.NDArray[np.int32], FloatVector]:
    near = np.argpartition(-(rows @ groups.centres.T), groups.n_near - 1, axis=1)[:, : groups.n_near]
    pairs = np.argsort(near.ravel(), kind="stable")
    owners = pairs // near.shape[1]
    bounds = np.searchsorted(near.ravel()[pairs], np.arange(len(groups.centres) + 1))
    labels = np.full(len(rows), np.iinfo(np.int32).max, dtype=np.int32)
    similarities = np.full(len(rows), -np.inf, dtype=np.float32)
    compared = np.full(len(rows), -np.inf, dtype=np.float32)
    for group in range(len(groups.centres)):
        mine = owners[bounds[group] : bounds[group + 1]]
        members = groups.members[groups.starts[group] : groups.starts[group + 1]]
        if not len(mine) or not len(members):
            continue
        found = rows[mine] @ centroids[members].T
        judged = found if handicaps is None else found - handicaps[members]
        best = judged.argmax(axis=1)
        places = np.arange(len(mine))
        mark, number = judged[places, best], members[best].astype(np.int32)
        is_better = (mark > compared[mine]) | ((mark == compared[mine]) & (number < labels[mine]))
        better = mine[is_better]
        compared[better], labels[better] = mark[is_better], number[is_better]
        similarities[better] = found[places, best][is_better]
    return labels, similarities
