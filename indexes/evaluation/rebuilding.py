"""Segments built only from what was known at T: the oracle that as-of answers are held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from eagleray.contracts.indexes import TextField
from eagleray.contracts.times import OPEN_END
from indexes.lexical.building import build_postings
from indexes.segments.vectors import stack_vectors
from indexes.segments.view import SegmentView
from indexes.segments.writing import iterate_texts

_BLOCK_ROWS: Final = 8_192


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
    blocks = np.split(visible, range(_BLOCK_ROWS, len(visible), _BLOCK_ROWS))
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
