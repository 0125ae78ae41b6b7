"""Several small segments as one: the very segment that would have been written of all their rows at once.

Patches name chunks, not places, so those of a snapshot hold for the new segment as they did for the old.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from eagleray.contracts.collections import Collection
from eagleray.errors import InputError
from indexes.dense.codebooks import Codebook
from indexes.segments.opened_segment import open_segment
from indexes.segments.rows import ORDERED_BY, find_row_order, save_rows, stack_rows
from indexes.segments.segment_files import ROWS, VECTORS, SegmentSpec, finish_segment
from indexes.segments.segment_upload import publish_segment
from indexes.segments.vectors import save_vectors, stack_vectors
from indexes.segments.view import SegmentView


def compact_segments(
    collection: Collection,
    digests: Sequence[str],
    *,
    codebook: Codebook | None = None,
    device: str = "cpu",
    cache: Path | None = None,
) -> str:
    """Write and publish one segment of the rows of several, and return its digest.

    Args:
        collection: where it lies.
        digests: of the segments, at least one.
        codebook: of the new segment's inverted lists, or `None` for a flat one.
        device: that finds each row's list (`indexes.dense.devices`).
        cache: folder for copies of remote segments.

    Raises:
        IntegrityError: a segment is damaged.
        InputError: they are not of one zone and one embedder.
    """
    views = [open_segment(collection, digest, cache=cache) for digest in digests]
    first = views[0]
    for view in views[1:]:
        _check_alike(first, view)
    with tempfile.TemporaryDirectory(prefix="eagleray-compact-") as scratch:
        folder = Path(scratch) / "segment"
        folder.mkdir()
        tables = [view.rows for view in views]
        order = find_row_order(pa.concat_tables([table.select(ORDERED_BY) for table in tables]))
        stacked = stack_vectors((view.vectors for view in views), Path(scratch) / "vectors")
        save_vectors(stacked, order, folder / VECTORS)
        save_rows(stack_rows(tables, order), folder / ROWS)
        spec = SegmentSpec(zone=first.zone, embedder=first.embedder, codebook=codebook, device=device)
        finish_segment(folder, n_rows=len(order), spec=spec)
        return publish_segment(collection, folder)


def _check_alike(first: SegmentView, other: SegmentView) -> None:
    for what in ("zone", "embedder"):
        if getattr(first, what) != getattr(other, what):
            detail = f"segments {first.digest[:12]} and {other.digest[:12]} have another {what}"
            raise InputError(detail=f"{detail}; only segments that agree can become one")
    if len(np.intersect1d(first.chunk_ids, other.chunk_ids)):
        detail = f"segments {first.digest[:12]} and {other.digest[:12]} share a chunk"
        raise InputError(detail=detail)
