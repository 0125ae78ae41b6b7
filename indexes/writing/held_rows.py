"""What a snapshot holds of documents, patches applied, as `arranging` compares it with what is delivered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexes.segments.naming import number_name
from indexes.segments.view import SegmentView

STATE_SCHEMA: Final = pa.schema(
    [
        pa.field("chunk_id", pa.int64(), nullable=False),
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("known_from", pa.int64(), nullable=False),
        pa.field("known_to", pa.int64(), nullable=False),
        pa.field("groups", pa.list_(pa.string()), nullable=False),
        pa.field("is_due", pa.bool_(), nullable=False),
    ]
)
"""One row a row of the parent snapshot; times in microseconds."""


def list_held_rows(view: SegmentView, *, due: frozenset[str]) -> pa.Table:
    """Return a segment's rows as `STATE_SCHEMA`, patches applied.

    Args:
        view: the opened segment.
        due: sources (`<name>/<path>`) that were read again or are gone.
    """
    rows = np.arange(view.n_rows)
    is_due = [source in due for source in view.rows["source"].to_pylist()]
    return _take_held(view, rows, is_due=is_due)


def find_held_rows(view: SegmentView, doc_ids: Sequence[str], *, due: frozenset[str]) -> pa.Table:
    """Return a segment's rows of some documents as `STATE_SCHEMA`, patches applied.

    Args:
        view: the opened segment.
        doc_ids: of the documents.
        due: those of them that are to be closed if no version is delivered.
    """
    numbers = np.array([number_name(doc_id) for doc_id in doc_ids], dtype=np.int64)
    rows = np.flatnonzero(np.isin(view.documents, numbers))
    is_due = [doc_id in due for doc_id in view.rows["doc_id"].take(rows).to_pylist()]
    return _take_held(view, rows, is_due=is_due)


def _take_held(view: SegmentView, rows: npt.NDArray[np.int64], *, is_due: Sequence[bool]) -> pa.Table:
    groups: list[list[str]] = [[] for _ in rows]
    for name, bits in zip(view.group_names[1:], view.group_bits[1:], strict=True):
        has_group = np.unpackbits(bits, bitorder="little", count=view.n_rows)[rows]
        for place in np.flatnonzero(has_group).tolist():
            groups[place].append(name)
    columns = [
        pa.array(view.chunk_ids[rows], pa.int64()),
        view.rows["doc_id"].take(rows).combine_chunks(),
        view.rows["version"].take(rows).combine_chunks(),
        pa.array(view.known_from[rows], pa.int64()),
        pa.array(view.known_to[rows], pa.int64()),
        pa.array([sorted(names) for names in groups], pa.list_(pa.string())),
        pa.array(is_due, pa.bool_()),
    ]
    return pa.Table.from_arrays(columns, schema=STATE_SCHEMA)
