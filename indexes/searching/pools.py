"""What the channels of a question found, each row once and scored by all of them: gathered, and merged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from indexes.searching.channels import Channel, DoubleVector, Rows, bound_scores, keep_best
from indexes.searching.targets import Target
from indexes.selections import IntVector


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The best rows of some channels.

    Attributes:
        rows: the rows, each once, in no particular order.
        ids: int64 [n], their chunk_ids.
        documents: int64 [n], equal for the rows of one document.
        scores: float64 [n] a channel.
        found: places of the rows that the channel found itself, int64 [<= n] a channel.
        greatest: a channel's best score of all; see `Best`.
        least: what rows that a channel did not find score at most; see `Best`.
        n_selected: rows that the question may find.
    """

    rows: Rows
    ids: IntVector
    documents: IntVector
    scores: tuple[DoubleVector, ...]
    found: tuple[IntVector, ...]
    greatest: tuple[float, ...]
    least: tuple[float, ...]
    n_selected: int


def gather_pool(targets: Sequence[Target], channels: Sequence[Channel], n: int) -> Pool:
    """Return the `n` best rows of each channel.

    Args:
        targets: one a segment.
        channels: at least one.
        n: rows of each, or all there are.
    """
    best = [channel.find(n) for channel in channels]
    rows, found = _unite([item.found for item in best])
    ids = np.empty(len(rows), dtype=np.int64)
    documents = np.empty(len(rows), dtype=np.int64)
    for part, target in enumerate(targets):
        (places,) = (rows.parts == part).nonzero()
        mine = rows.rows[places]
        ids[places], documents[places] = target.view.chunk_ids[mine], target.view.documents[mine]
    return Pool(
        rows=rows,
        ids=ids,
        documents=documents,
        scores=tuple(channel.score(rows) for channel in channels),
        found=found,
        greatest=tuple(item.greatest for item in best),
        least=tuple(item.least for item in best),
        n_selected=sum(target.selection.n_selected for target in targets),
    )


def merge_pools(pools: Sequence[Pool], n: int) -> Pool:
    """Return what the channels find in the rows of all pools: the bits of one pool of all segments.

    Args:
        pools: of different segments, each with the `n` best rows of each channel; at least one.
        n: rows of each channel, or all there are.
    """
    if len(pools) == 1:
        return pools[0]
    starts = np.cumsum([0, *(len(pool.ids) for pool in pools)])
    ids = np.concatenate([pool.ids for pool in pools])
    kept, bounds = [], []
    scores = [np.concatenate(parts) for parts in zip(*(pool.scores for pool in pools), strict=True)]
    for channel, values in enumerate(scores):
        found = [pool.found[channel] + start for pool, start in zip(pools, starts[:-1], strict=True)]
        places = np.concatenate(found)
        best = places[keep_best(ids[places], values[places], n=n)]
        bounds.append(bound_scores(values[best], n=n))
        kept.append(best)
    united = np.unique(np.concatenate(kept))
    parts = np.concatenate([pool.rows.parts for pool in pools])
    rows = np.concatenate([pool.rows.rows for pool in pools])
    return Pool(
        rows=Rows(parts=parts[united], rows=rows[united]),
        ids=ids[united],
        documents=np.concatenate([pool.documents for pool in pools])[united],
        scores=tuple(values[united] for values in scores),
        found=tuple(np.searchsorted(united, best) for best in kept),
        greatest=tuple(greatest for greatest, _ in bounds),
        least=tuple(least for _, least in bounds),
        n_selected=sum(pool.n_selected for pool in pools),
    )


def _unite(found: Sequence[Rows]) -> tuple[Rows, tuple[IntVector, ...]]:
    """Return the rows of all, each once, and the places of each part's rows among them."""
    if len(found) == 1:
        return found[0], (np.arange(len(found[0])),)
    keys = [(rows.parts << 32) | rows.rows for rows in found]
    distinct = np.unique(np.concatenate(keys))
    places = tuple(distinct.searchsorted(part) for part in keys)
    return Rows(parts=distinct >> 32, rows=distinct & 0xFFFFFFFF), places
