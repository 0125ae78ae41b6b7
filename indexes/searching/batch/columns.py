"""The rows of all segments as columns, and their order in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from indexes.segments.view import SegmentView
from indexes.selections import IntVector


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Row `r` of segment `s` is number `starts[s] + r`; 40 bytes a row.

    Attributes:
        starts: int64 [n_segments + 1].
        known_from: int64 [n_rows], microseconds.
        known_to: int64 [n_rows], microseconds, patches applied.
        chunk_ids: int64 [n_rows].
        documents: int64 [n_rows], equal for the rows of one doc_id.
        order: int64 [n_rows], the numbers in ascending order of (`known_from`, `chunk_id`).
    """

    starts: IntVector
    known_from: IntVector
    known_to: IntVector
    chunk_ids: IntVector
    documents: IntVector
    order: IntVector

    @property
    def n_rows(self) -> int:
        """Rows of all segments."""
        return len(self.order)

    def find_parts(self, numbers: IntVector) -> IntVector:
        """Return the segment of each row: int64 [len(numbers)]."""
        return np.searchsorted(self.starts, numbers, side="right") - 1


def join_columns(segments: Sequence[SegmentView]) -> Columns:
    """Return the columns of all segments, one segment after the other."""
    empty = np.empty(0, dtype=np.int64)
    known_from = np.concatenate([empty, *(view.known_from for view in segments)])
    chunk_ids = np.concatenate([empty, *(view.chunk_ids for view in segments)])
    return Columns(
        starts=np.cumsum([0, *(view.n_rows for view in segments)]).astype(np.int64),
        known_from=known_from,
        known_to=np.concatenate([empty, *(view.known_to for view in segments)]),
        chunk_ids=chunk_ids,
        documents=np.concatenate([empty, *(view.documents for view in segments)]),
        order=np.lexsort((chunk_ids, known_from)),
    )
