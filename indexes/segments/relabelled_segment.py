"""A segment whose rows have other labels: title, event time and attributes; ids, times and vectors stay.

Rows whose heading changes, too, are left out: their vectors change, and other segments hold them. Patches
name chunks, so those of a snapshot hold for the new segment as they did for the old.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection as Names
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eagleray.contracts.collections import Collection
from indexes.segments.attribute_columns import TypedRows, build_typed_columns, read_row_values
from indexes.segments.attributes import TypedValue, read_typed_values
from indexes.segments.codebooks import load_codebook
from indexes.segments.opened_segment import load_segment_manifest, open_segment
from indexes.segments.rows import CONTENT, list_fixed, rebuild_column, save_rows
from indexes.segments.segment_files import ROWS, VECTORS, SegmentSpec, finish_segment
from indexes.segments.segment_upload import publish_segment
from indexes.segments.vectors import save_vectors

LABEL_SCHEMA: Final = pa.schema(
    [
        pa.field("chunk_id", pa.int64(), nullable=False),
        pa.field("is_moved", pa.bool_(), nullable=False),
        pa.field("title", pa.string(), nullable=False),
        pa.field("event_time", pa.int64()),
        pa.field("attributes", pa.string(), nullable=False),
        pa.field("content", pa.string(), nullable=False),
    ]
)
"""New labels of rows; `is_moved` where another segment holds the row from now on, with another heading."""

_BLOCK_ROWS: Final = 4_096


def relabel_segment(
    collection: Collection,
    digest: str,
    labels: Iterable[pa.Table],
    *,
    texts: Names[str] = (),
    device: str = "cpu",
    cache: Path | None = None,
) -> str | None:
    """Write and publish the segment that holds a segment's rows with new labels, and return its digest.

    Args:
        collection: where it lies.
        digest: of the segment.
        labels: tables of `LABEL_SCHEMA`; of each row at most one.
        texts: attributes whose text is never a time, because somebody declared them strings.
        device: that finds each row's list, where it has inverted lists (`indexes.dense.devices`).
        cache: folder for copies of remote segments.

    Returns:
        `digest` where no row of it has new labels; `None` where none of its rows is left.

    Raises:
        IntegrityError: the segment is damaged.
    """
    view = open_segment(collection, digest, cache=cache)
    mine = pa.concat_tables([LABEL_SCHEMA.empty_table(), *(_select(part, view.chunk_ids) for part in labels)])
    if not mine.num_rows:
        return digest
    moved = mine["chunk_id"].to_numpy()[mine["is_moved"].to_numpy(zero_copy_only=False)]
    kept = np.flatnonzero(~np.isin(view.chunk_ids, moved))
    if not len(kept):
        return None
    dense = load_segment_manifest(collection, digest).dense
    spec = SegmentSpec(
        zone=view.zone,
        embedder=view.embedder,
        texts=texts,
        codebook=load_codebook(collection, dense.codebook) if dense else None,
        device=device,
    )
    with tempfile.TemporaryDirectory(prefix="eagleray-relabel-") as scratch:
        folder = Path(scratch) / "segment"
        folder.mkdir()
        save_vectors(view.vectors, kept, folder / VECTORS)
        save_rows(label_rows(view.rows.take(kept).combine_chunks(), mine, texts=texts), folder / ROWS)
        finish_segment(folder, n_rows=len(kept), spec=spec)
        return publish_segment(collection, folder)


def label_rows(rows: pa.Table, labels: pa.Table, *, texts: Names[str] = ()) -> pa.Table:
    """Return a row table with new labels, in the same order.

    Args:
        rows: a row table (`indexes.segments.rows`).
        labels: as `LABEL_SCHEMA`, of some of its rows.
        texts: attributes whose text is never a time.
    """
    new = {row["chunk_id"]: row for row in labels.to_pylist()}
    ids = rows["chunk_id"].to_pylist()
    replaced: dict[str, pa.Array] = {}
    for field in (rows.schema.field("title"), rows.schema.field("event_time"), CONTENT):
        old = rows[field.name].to_pylist() if field.name in rows.column_names else [None] * len(ids)
        values = [
            new[number][field.name] if number in new else value
            for number, value in zip(ids, old, strict=True)
        ]
        replaced[field.name] = rebuild_column(pa.chunked_array([pa.array(values, field.type)]))
    fixed = list_fixed([*rows.column_names, CONTENT.name])
    columns = [
        replaced[field.name] if field.name in replaced else rebuild_column(rows[field.name])
        for field in fixed
    ]
    fields, attributes = build_typed_columns(_LabelledRows(rows, new, texts))
    return pa.Table.from_arrays([*columns, *attributes], schema=pa.schema([*fixed, *fields]))


class _LabelledRows(TypedRows):
    def __init__(self, rows: pa.Table, labels: Mapping[int, Mapping[str, Any]], texts: Names[str]) -> None:
        self._rows, self._labels, self._texts = rows, labels, frozenset(texts)

    def iterate(self) -> Iterator[Sequence[dict[str, TypedValue]]]:
        columns = dict(zip(self._rows.column_names, self._rows.columns, strict=True))
        ids = self._rows["chunk_id"].to_pylist()
        for start in range(0, len(ids), _BLOCK_ROWS):
            yield [
                read_typed_values(self._labels[number]["attributes"], texts=self._texts)
                if number in self._labels
                else read_row_values(columns, row)
                for row, number in enumerate(ids[start : start + _BLOCK_ROWS], start=start)
            ]


def _select(labels: pa.Table, chunk_ids: npt.NDArray[np.int64]) -> pa.Table:
    return labels.filter(pa.array(np.isin(labels["chunk_id"].to_numpy(), chunk_ids)))
