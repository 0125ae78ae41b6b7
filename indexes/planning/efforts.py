"""How much effort a segment takes to reach a recall, learnt from queries whose neighbours are known.

An entry holds for masks that let through at least its share of the rows. It is learnt from masks of
three shapes, by chance, by time and by likeness, and takes what the hardest of them took, so that a
bound holds whatever a mask's rows have in common. `indexes.planning.plans` uses the entries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from eagleray.contracts.indexes import LearntEffort
from eagleray.contracts.ports import FloatMatrix
from indexes.dense.contracts import Effort
from indexes.dense.flat import FlatIndex
from indexes.dense.ivf import IvfIndex
from indexes.dense.neighbours import IntVector
from indexes.dense.queries import DenseQuery
from indexes.selections import Selection, select_all, select_mask

TARGET: Final = 0.99
"""Recall whose lower bound an effort must reach."""

K: Final = 10
"""Neighbours whose recall is measured."""

SHARES: Final = (1.0, 0.3, 0.1, 0.03, 0.01)
"""Shares of the rows that masks let through."""

_CANDIDATES: Final = (4, 8, 16, 32)
_GROWTH: Final = 1.25
_SEED: Final = 1
_FIFTH: Final = 5
_ALIKE: Final = 32
"""Masks of rows like some row: how far a query lies from them decides how hard they are."""


def list_learnt_from(probes: FloatMatrix) -> FloatMatrix:
    """Return the probes that efforts are learnt from: every fifth."""
    return np.ascontiguousarray(probes[::_FIFTH])


def list_held_out(probes: FloatMatrix) -> FloatMatrix:
    """Return the probes that no effort was learnt from, on which the gate measures; all if there is one."""
    is_held_out = np.arange(len(probes)) % _FIFTH != 0
    return np.ascontiguousarray(probes[is_held_out] if is_held_out.any() else probes)


def bound_recall(n_found: int, n_true: int) -> float:
    """Return the lower end of the 95 % interval of a share.

    Source: Wilson, Probable Inference, the Law of Succession, and Statistical Inference (1927).
    """
    if not n_true:
        return 0.0
    z = 1.959963984540054
    share = n_found / n_true
    centre = share + z * z / (2 * n_true)
    spread = z * float(np.sqrt(share * (1 - share) / n_true + z * z / (4 * n_true * n_true)))
    return (centre - spread) / (1 + z * z / n_true)


def learn_efforts(
    index: IvfIndex, vectors: FloatMatrix, ids: IntVector, probes: FloatMatrix, *, target: float = TARGET
) -> tuple[LearntEffort, ...]:
    """Return an entry for each of `SHARES` where an effort reaches the target, the greatest share first.

    None does where codes are too coarse for the vectors, or where too few queries could tell.

    Args:
        index: of the segment.
        vectors: float32 [n_rows, dim], its rows.
        ids: int64 [n_rows], chunk_ids.
        probes: float32 [n_probes, dim], unit L2 norm: queries as users ask them.
        target: recall whose lower bound an effort must reach.
    """
    flat = FlatIndex(vectors, ids)
    queries = [DenseQuery(probe, dim=vectors.shape[1]) for probe in probes]
    learnt = []
    for share in SHARES:
        if share * len(vectors) < K:
            break
        hardest = LearntEffort(share=share, probed=0.0, n_candidates=0, recall=1.0)
        for masks in _draw_masks(vectors, share, rng=np.random.default_rng(_SEED)):
            cases = [_Case(flat, query, masks[place % len(masks)]) for place, query in enumerate(queries)]
            hardest = _join(hardest, _learn(index, cases, share=share, target=target))
        if hardest.recall >= target:
            learnt.append(hardest)
    return tuple(learnt)


def _join(first: LearntEffort, second: LearntEffort) -> LearntEffort:
    """Return the effort that is enough for both."""
    return LearntEffort(
        share=first.share,
        probed=max(first.probed, second.probed),
        n_candidates=max(first.n_candidates, second.n_candidates),
        recall=min(first.recall, second.recall),
    )


class _Case:
    """A query, a mask, and the true neighbours."""

    def __init__(self, flat: FlatIndex, query: DenseQuery, selection: Selection) -> None:
        self.query, self.selection = query, selection
        effort = Effort(n_probes=1, n_candidates=1)
        self.true = frozenset(flat.search(query, k=K, selection=selection, effort=effort).rows.tolist())

    def count(self, index: IvfIndex, *, probed: float, n_candidates: int) -> int:
        effort = Effort(n_probes=count_probes(index, self.selection, probed), n_candidates=n_candidates * K)
        found = index.search(self.query, k=K, selection=self.selection, effort=effort).rows
        return len(self.true.intersection(found.tolist()))


def count_probes(index: IvfIndex, selection: Selection, probed: float) -> int:
    """Return how many lists a share of those with selected rows is, at least one."""
    return max(1, int(np.ceil(probed * index.count_lists(selection))))


def _learn(index: IvfIndex, cases: Sequence[_Case], *, share: float, target: float) -> LearntEffort:
    """Return the least effort whose bound reaches the target, or that of a search of every list."""
    n_true = sum(len(case.true) for case in cases)
    probed = _find_probed(index, cases, target=target)
    while True:
        for n_candidates in _CANDIDATES:
            n_found = sum(case.count(index, probed=probed, n_candidates=n_candidates) for case in cases)
            recall = bound_recall(n_found, n_true)
            if recall >= target or (probed >= 1.0 and n_candidates == _CANDIDATES[-1]):
                return LearntEffort(
                    share=share, probed=probed, n_candidates=n_candidates, recall=round(recall, 4)
                )
        probed = min(1.0, probed * _GROWTH)


def _find_probed(index: IvfIndex, cases: Sequence[_Case], *, target: float) -> float:
    """Return the least share of lists in which enough of the true neighbours lie."""
    places = np.sort(
        np.concatenate(
            [index.place_rows(case.query, case.selection, np.array(sorted(case.true))) for case in cases]
        )
    )
    for number, place in enumerate(places, start=1):
        if bound_recall(number, len(places)) >= target:
            return float(place)
    return 1.0


def _draw_masks(vectors: FloatMatrix, share: float, *, rng: np.random.Generator) -> Iterator[list[Selection]]:
    """Yield masks that let the share through, shape by shape: by chance, by time, and like some row."""
    n_rows = len(vectors)
    if share >= 1.0:
        yield [select_all(n_rows)]
        return
    n = max(K, round(share * n_rows))
    yield [select_mask(_mark(n_rows, rng.choice(n_rows, size=n, replace=False))) for _ in range(4)]
    begins = rng.integers(0, n_rows - n + 1, size=7)
    spans = [select_mask(_mark(n_rows, np.arange(begin, begin + n))) for begin in begins]
    yield [Selection(n_rows=n_rows, n_prefix=n), *spans]
    alike = (vectors @ vectors[row] for row in rng.integers(0, n_rows, size=_ALIKE))
    yield [select_mask(_mark(n_rows, np.argpartition(-likeness, n - 1)[:n])) for likeness in alike]


def _mark(n_rows: int, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    mask = np.zeros(n_rows, dtype=np.bool_)
    mask[rows] = True
    return mask
