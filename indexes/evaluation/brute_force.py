"""Exact dense neighbours without any plan, mask or index: what every other search must equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from eagleray.contracts.ports import FloatMatrix
from indexes.segments.view import SegmentView

_BLOCK_ROWS: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedRow:
    """A row of a result; `similarity` grows with likeness."""

    chunk_id: int
    similarity: float


def find_neighbours(
    segments: Sequence[SegmentView], queries: FloatMatrix, *, instants: npt.NDArray[np.int64], k: int
) -> list[list[RankedRow]]:
    """Return the best rows of each query by inner product, ties by the lower chunk_id.

    Args:
        segments: opened segments.
        queries: float32 [n_queries, dim], unit L2 norm.
        instants: int64 [n_queries], when each query is asked as of, microseconds.
        k: rows wanted, at least 1.

    Returns:
        For each query at most `k` rows visible at its instant, best first.
    """
    found: list[list[RankedRow]] = [[] for _ in queries]
    for segment in segments:
        for start in range(0, segment.n_rows, _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            similarities = segment.vectors[block] @ queries.T
            known_from, known_to = segment.known_from[block], segment.known_to[block]
            ids = segment.chunk_ids[block]
            for number, instant in enumerate(instants.tolist()):
                visible = np.flatnonzero((known_from <= instant) & (instant < known_to))
                best = _find_best(ids[visible], similarities[visible, number], k)
                found[number] = sorted([*found[number], *best], key=_order)[:k]
    return found


def _find_best(ids: npt.NDArray[np.int64], similarities: npt.NDArray[np.float32], k: int) -> list[RankedRow]:
    if len(ids) > k:
        least = np.partition(similarities, -k)[-k]
        kept = similarities >= least
        ids, similarities = ids[kept], similarities[kept]
    order = np.lexsort((ids, -similarities))[:k]
    return [
        RankedRow(chunk_id=chunk_id, similarity=similarity)
        for chunk_id, similarity in zip(ids[order].tolist(), similarities[order].tolist(), strict=True)
    ]


def _order(row: RankedRow) -> tuple[float, int]:
    return -row.similarity, row.chunk_id
