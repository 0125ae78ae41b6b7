"""The oracles that searches are held against: exact neighbours, and segments of what was known at T alone.

Nothing here uses a plan, a mask or an index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from eagleray.contracts.indexes import TextField
from eagleray.contracts.ports import FloatMatrix
from eagleray.contracts.times import OPEN_END
from indexes.lexical.building import build_postings
from indexes.segments.segment_files import iterate_texts
from indexes.segments.vectors import stack_vectors
from indexes.segments.view import SegmentView

_BLOCK_ROWS: Final = 65_536
_COPIED_ROWS: Final = 8_192


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


def rebuild_as_of(segments: Sequence[SegmentView], as_of: int, *, folder: Path) -> tuple[SegmentView, ...]:
    """Return the segments as if nothing but the rows visible at `as_of` had ever been delivered.

    Args:
        segments: opened segments.
        as_of: microseconds.
        folder: takes their vectors, for as long as the answer is used; of this call alone.

    Returns:
        One segment for each that has visible rows; every row is open-ended, the postings are
        built anew from the visible texts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rebuilt = (_rebuild(segment, as_of, path=folder / str(number)) for number, segment in enumerate(segments))
    return tuple(segment for segment in rebuilt if segment is not None)


def _rebuild(segment: SegmentView, as_of: int, *, path: Path) -> SegmentView | None:
    visible = np.flatnonzero((segment.known_from <= as_of) & (as_of < segment.known_to))
    if not len(visible):
        return None
    blocks = np.split(visible, range(_COPIED_ROWS, len(visible), _COPIED_ROWS))
    rows = segment.rows.take(visible).combine_chunks()
    bits = np.unpackbits(segment.group_bits, axis=1, bitorder="little", count=segment.n_rows)
    return replace(
        segment,
        digest=f"{segment.digest}@{as_of}",
        rows=rows,
        chunk_ids=segment.chunk_ids[visible],
        known_from=segment.known_from[visible],
        known_to=np.full(len(visible), OPEN_END, dtype=np.int64),
        documents=segment.documents[visible],
        vectors=stack_vectors((segment.vectors[block] for block in blocks), path),
        group_bits=np.packbits(bits[:, visible], axis=1, bitorder="little"),
        postings={field: build_postings(iterate_texts(rows, field)) for field in TextField},
        inverted=None,
    )
