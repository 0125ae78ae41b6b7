"""Segments built only from what was known at T: the oracle that as-of answers are held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from eagleray.contracts.times import OPEN_END
from indexes.lexical.postings import build_postings
from indexes.segments.view import SegmentView
from indexes.segments.writing import list_texts


def rebuild_as_of(segments: Sequence[SegmentView], as_of: int) -> tuple[SegmentView, ...]:
    """Return the segments as if nothing but the rows visible at `as_of` had ever been delivered.

    Args:
        segments: opened segments.
        as_of: microseconds.

    Returns:
        One segment for each that has visible rows; every row is open-ended, the postings are
        built anew from the visible texts.
    """
    rebuilt = (_rebuild(segment, as_of) for segment in segments)
    return tuple(segment for segment in rebuilt if segment is not None)


def _rebuild(segment: SegmentView, as_of: int) -> SegmentView | None:
    visible = np.flatnonzero((segment.known_from <= as_of) & (as_of < segment.known_to))
    if not len(visible):
        return None
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
        vectors=np.ascontiguousarray(segment.vectors[visible]),
        group_bits=np.packbits(bits[:, visible], axis=1, bitorder="little"),
        postings=build_postings(list_texts(rows)),
    )
