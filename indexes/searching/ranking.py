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
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from indexes.searching.channels import Best, Channel, DoubleVector, Rows
from indexes.searching.targets import Target
from indexes.selections import IntVector

_FIRST_DEPTH: Final = 4
_GROWTH: Final = 4

Combine: TypeAlias = Callable[[Sequence[DoubleVector], Sequence[Best]], DoubleVector]
"""Scores of some rows in each channel, and what each channel found, in; their joint scores out.

Must not shrink where a channel's score grows.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A row of the answer.

    Attributes:
        part: number of its segment.
        row: its place there.
        score: joint score, by which the answer is ordered.
        scores: its score in each channel.
        reranked: the reranker's score, where it was asked for.
    """

    part: int
    row: int
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


def rank_rows(
    targets: Sequence[Target], channels: Sequence[Channel], combine: Combine, wanted: Wanted
) -> list[Ranked]:
    """Return the best rows, best first, ties by the lower chunk_id, whatever the split into segments.

    Args:
        targets: one a segment.
        channels: at least one.
        combine: makes one score of theirs.
        wanted: how many, and which.
    """
    n_selected = sum(target.selection.n_selected for target in targets)
    # Of one channel and any rows, each segment's best hold the best of all.
    is_plain = len(channels) == 1 and wanted.n_per_document is None
    depth = wanted.k if is_plain else _FIRST_DEPTH * wanted.k
    while True:
        best = [channel.find(depth) for channel in channels]
        rows = _unite([item.found for item in best])
        scores = [channel.score(rows) for channel in channels]
        joint = combine(scores, best)
        enough = np.flatnonzero(_reach(scores, joint, wanted))
        chosen = enough[_order(targets, rows.take(enough), joint[enough], wanted)][: wanted.k]
        if is_plain or depth >= n_selected or _is_settled(joint[chosen], best, combine, wanted):
            break
        depth *= _GROWTH
    return [
        Ranked(
            part=int(rows.parts[item]),
            row=int(rows.rows[item]),
            score=float(joint[item]),
            scores=tuple(float(part[item]) for part in scores),
        )
        for item in chosen
    ]


def _reach(scores: Sequence[DoubleVector], joint: DoubleVector, wanted: Wanted) -> npt.NDArray[np.bool_]:
    """Return which rows reach the least scores wanted."""
    enough = joint >= wanted.floor
    for part, floor in zip(scores, wanted.floors, strict=False):
        enough &= part >= floor
    return enough


def _is_settled(kept: DoubleVector, best: Sequence[Best], combine: Combine, wanted: Wanted) -> bool:
    """Return whether no row that no channel gave can belong among those kept."""
    if all(item.least == -np.inf for item in best):
        return True
    if any(item.least < floor for item, floor in zip(best, wanted.floors, strict=False)):
        return True
    bounds = [np.array([item.least if item.least > -np.inf else 0.0]) for item in best]
    bound = combine(bounds, best)[0]
    return bool(bound < wanted.floor or (len(kept) == wanted.k and kept[-1] > bound))


def _unite(found: Sequence[Rows]) -> Rows:
    """Return the rows of all, each once."""
    if len(found) == 1:
        return found[0]
    keys = np.concatenate([(rows.parts << 32) | rows.rows for rows in found])
    distinct = np.unique(keys)
    return Rows(parts=distinct >> 32, rows=distinct & 0xFFFFFFFF)


def _order(targets: Sequence[Target], rows: Rows, scores: DoubleVector, wanted: Wanted) -> IntVector:
    """Return the places of the rows, best first; of a document's rows only the first few, if so wanted."""
    ids = np.empty(len(rows), dtype=np.int64)
    documents = np.empty(len(rows), dtype=np.int64)
    for part, target in enumerate(targets):
        mine = rows.parts == part
        ids[mine] = target.view.chunk_ids[rows.rows[mine]]
        documents[mine] = target.view.documents[rows.rows[mine]]
    order = np.lexsort((ids, -scores))
    if wanted.n_per_document is None:
        return order
    ordered = documents[order]
    by_document = np.argsort(ordered, kind="stable")
    begins = np.concatenate([[True], np.diff(ordered[by_document]) != 0])[: len(order)]
    places = np.arange(len(order))
    ranks = places - np.maximum.accumulate(np.where(begins, places, 0))
    return order[np.sort(by_document[ranks < wanted.n_per_document])]
