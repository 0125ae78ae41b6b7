"""The best rows by all channels together: as deep into each as it takes to be sure, and no deeper.

Each channel gives its best rows. Every row among them gets its score in all channels. A row that no
channel gave cannot score more than what the channels' least bounds make together; once the rows kept
are above that, nothing is missing. Otherwise the channels are asked for more.

Source: Fagin, Lotem and Naor, Optimal Aggregation Algorithms for Middleware (2003): the threshold
    algorithm, with its rounds four times as deep each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from eagleray.contracts.ports import FloatMatrix
from indexes.fusion.reciprocal import WINDOW, score_ranks
from indexes.searching.channels import DoubleVector, Rows, keep_best
from indexes.searching.pools import Pool
from indexes.selections import IntVector

_FIRST_DEPTH: Final = 4
_GROWTH: Final = 4

Combine: TypeAlias = Callable[[Sequence[DoubleVector], Sequence[float]], DoubleVector]
"""Scores of some rows in each channel, and each channel's greatest score of all, in; joint scores out.

Must not shrink where a channel's score grows.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A row of the answer.

    Attributes:
        part: number of its segment.
        row: its place there.
        chunk_id: its name.
        score: joint score, by which the answer is ordered.
        scores: its score in each channel.
        reranked: the reranker's score, where it was asked for.
    """

    part: int
    row: int
    chunk_id: int
    score: float
    scores: tuple[float, ...]
    reranked: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which of the best rows are wanted.

    Attributes:
        k: rows, at least 1.
        n_per_document: rows of one document at most; `None` for any number.
        floor: least joint score.
        floors: least score in each channel; empty, or minus infinity, for none.
    """

    k: int
    n_per_document: int | None = None
    floor: float = -np.inf
    floors: tuple[float, ...] = ()


class RankedChannels(Protocol):
    """The rows that a question may find, wherever their segments lie."""

    @property
    def n_channels(self) -> int:
        """Ways in which rows are scored, at least 1."""
        ...

    def look(self, n: int) -> Pool:
        """Return the `n` best rows of each channel, or all there are."""
        ...

    def read_vectors(self, ranked: Sequence[Ranked]) -> FloatMatrix:
        """Return the vectors of some rows, at least one: float32 [n, dim]."""
        ...


def rank_rows(source: RankedChannels, combine: Combine, wanted: Wanted) -> list[Ranked]:
    """Return the best rows, best first, ties by the lower chunk_id, whatever the split into segments.

    Args:
        source: of the rows.
        combine: makes one score of those of its channels.
        wanted: how many, and which.
    """
    # Of one channel and any rows, each segment's best hold the best of all.
    is_plain = source.n_channels == 1 and wanted.n_per_document is None
    depth = wanted.k if is_plain else _FIRST_DEPTH * wanted.k
    while True:
        pool = source.look(depth)
        joint = combine(pool.scores, pool.greatest)
        chosen = _choose(pool, joint, wanted)
        if is_plain or depth >= pool.n_selected or _is_settled(joint[chosen], pool, combine, wanted):
            return _list_rows(pool, joint, chosen)
        depth *= _GROWTH


def join_rows(ranked: Sequence[Ranked]) -> Rows:
    """Return where rows of an answer lie, in its order."""
    return Rows(
        parts=np.array([item.part for item in ranked], dtype=np.int64),
        rows=np.array([item.row for item in ranked], dtype=np.int64),
    )


def rank_by_ranks(source: RankedChannels, wanted: Wanted) -> list[Ranked]:
    """Return the best rows by their ranks in the channels; a row that has none counts nothing there."""
    window = max(WINDOW, wanted.k)
    pool = source.look(window)
    joint = np.zeros(len(pool.ids))
    for found, scores in zip(pool.found, pool.scores, strict=True):
        order = found[keep_best(pool.ids[found], scores[found], n=window)]
        joint[order] += score_ranks(len(order))
    return _list_rows(pool, joint, _choose(pool, joint, wanted))


def _choose(pool: Pool, joint: DoubleVector, wanted: Wanted) -> IntVector:
    """Return the places of the rows wanted, best first."""
    enough = joint >= wanted.floor
    for part, floor in zip(pool.scores, wanted.floors, strict=False):
        enough &= part >= floor
    places = np.flatnonzero(enough)
    chosen: IntVector = places[_order(pool, places, joint[places], wanted.n_per_document)][: wanted.k]
    return chosen


def _is_settled(kept: DoubleVector, pool: Pool, combine: Combine, wanted: Wanted) -> bool:
    """Return whether no row that no channel gave can belong among those kept."""
    if all(least == -np.inf for least in pool.least):
        return True
    if any(least < floor for least, floor in zip(pool.least, wanted.floors, strict=False)):
        return True
    bounds = [np.array([least if least > -np.inf else 0.0]) for least in pool.least]
    bound = combine(bounds, pool.greatest)[0]
    return bool(bound < wanted.floor or (len(kept) == wanted.k and kept[-1] > bound))


def _order(pool: Pool, places: IntVector, scores: DoubleVector, n_per_document: int | None) -> IntVector:
    """Return the order of some rows, best first; of a document's rows only the first few, if so wanted."""
    order = np.lexsort((pool.ids[places], -scores))
    if n_per_document is None:
        return order
    ordered = pool.documents[places][order]
    by_document = np.argsort(ordered, kind="stable")
    begins = np.concatenate([[True], np.diff(ordered[by_document]) != 0])[: len(order)]
    numbers = np.arange(len(order))
    ranks = numbers - np.maximum.accumulate(np.where(begins, numbers, 0))
    return order[np.sort(by_document[ranks < n_per_document])]


def _list_rows(pool: Pool, joint: npt.NDArray[np.float64], chosen: IntVector) -> list[Ranked]:
    return [
        Ranked(
            part=int(pool.rows.parts[item]),
            row=int(pool.rows.rows[item]),
            chunk_id=int(pool.ids[item]),
            score=float(joint[item]),
            scores=tuple(float(part[item]) for part in pool.scores),
        )
        for item in chosen
    ]
