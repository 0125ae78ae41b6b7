"""What a snapshot holds of documents, patches applied, as `arranging` compares it with what is delivered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eagleray.contracts.chunks import CHUNK_SCHEMA
from eagleray.contracts.times import OPEN_END
from indexes.segments.naming import number_name
from indexes.segments.rows import CONTENT
from indexes.segments.view import SegmentView

STATE_SCHEMA: Final = pa.schema(
    [
        pa.field("chunk_id", pa.int64(), nullable=False),
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("known_from", pa.int64(), nullable=False),
        pa.field("known_to", pa.int64(), nullable=False),
        pa.field("groups", pa.list_(pa.string()), nullable=False),
        pa.field("content", pa.string()),
        pa.field("is_due", pa.bool_(), nullable=False),
        pa.field("unread", pa.string()),
        pa.field("zone", pa.string(), nullable=False),
    ]
)
"""One row a row of the parent snapshot; times in microseconds. `unread` names the source of a row that
something ended, where that is still there and was not read."""

HELD_CHUNK_SCHEMA: Final = pa.schema(
    [field for field in CHUNK_SCHEMA if field.name != "attributes"] + [CONTENT]
)
"""Rows of the parent snapshot with their texts, as `relabelled_versions` compares them with what is read."""


def list_held_rows(
    view: SegmentView, *, due: frozenset[str], unread: frozenset[str] = frozenset()
) -> pa.Table:
    """Return a segment's rows as `STATE_SCHEMA`, patches applied.

    Args:
        view: the opened segment.
        due: sources (`<name>/<path>`) that were read again or are gone.
        unread: sources that are still there and were not read.
    """
    rows = np.arange(view.n_rows)
    sources = view.rows["source"].to_pylist()
    ended = (view.known_to != OPEN_END).tolist()
    return _take_held(
        view,
        rows,
        is_due=[source in due for source in sources],
        unread=[
            source if is_ended and source in unread else None
            for source, is_ended in zip(sources, ended, strict=True)
        ],
    )


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
    return _take_held(view, rows, is_due=is_due, unread=[None] * len(rows))


def _take_held(
    view: SegmentView,
    rows: npt.NDArray[np.int64],
    *,
    is_due: Sequence[bool],
    unread: Sequence[str | None],
) -> pa.Table:
    columns = [
        pa.array(view.chunk_ids[rows], pa.int64()),
        view.rows["doc_id"].take(rows).combine_chunks(),
        view.rows["version"].take(rows).combine_chunks(),
        pa.array(view.known_from[rows], pa.int64()),
        pa.array(view.known_to[rows], pa.int64()),
        _take_groups(view, rows),
        _take_content(view, rows),
        pa.array(is_due, pa.bool_()),
        pa.array(unread, pa.string()),
        pa.array([view.zone] * len(rows), pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=STATE_SCHEMA)


def list_held_chunks(view: SegmentView) -> pa.Table:
    """Return a segment's rows as `HELD_CHUNK_SCHEMA`, patches applied."""
    rows = np.arange(view.n_rows)
    known = {
        "known_to": pa.array(view.known_to, pa.int64()),
        "groups": _take_groups(view, rows),
        "content": _take_content(view, rows),
    }
    columns = [
        known[name] if name in known else view.rows[name].combine_chunks() for name in HELD_CHUNK_SCHEMA.names
    ]
    return pa.Table.from_arrays(columns, schema=HELD_CHUNK_SCHEMA)


def _take_groups(view: SegmentView, rows: npt.NDArray[np.int64]) -> pa.Array:
    groups: list[list[str]] = [[] for _ in rows]
    for name, bits in zip(view.group_names[1:], view.group_bits[1:], strict=True):
        has_group = np.unpackbits(bits, bitorder="little", count=view.n_rows)[rows]
        for place in np.flatnonzero(has_group).tolist():
            groups[place].append(name)
    return pa.array([sorted(names) for names in groups], pa.list_(pa.string()))


def _take_content(view: SegmentView, rows: npt.NDArray[np.int64]) -> pa.Array:
    if CONTENT.name not in view.rows.column_names:
        return pa.nulls(len(rows), pa.string())
    return view.rows[CONTENT.name].take(rows).combine_chunks()
