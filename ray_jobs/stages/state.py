"""State: what the parent snapshot holds, by shard, so that `arrange` can compare.

One task a parent segment writes its rows' ids, versions, times and groups, patches applied, as a
shard file; rows whose file was read again or is gone are marked `is_due`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from indexes.segments.view import SegmentView
from indexes.snapshots.opened import open_snapshot_segment
from ray_jobs.ledger import Ledger, Stage
from ray_jobs.stages.shard_files import ShardWriter

STATE_SCHEMA = pa.schema(
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
    bits = np.unpackbits(view.group_bits, axis=1, bitorder="little", count=view.n_rows)
    groups: list[list[str]] = [[] for _ in range(view.n_rows)]
    for name, row_bits in zip(view.group_names[1:], bits[1:], strict=True):
        for row in np.flatnonzero(row_bits).tolist():
            groups[row].append(name)
    sources = view.rows["source"].to_pylist()
    columns = [
        pa.array(view.chunk_ids, pa.int64()),
        view.rows["doc_id"].combine_chunks(),
        view.rows["version"].combine_chunks(),
        pa.array(view.known_from, pa.int64()),
        pa.array(view.known_to, pa.int64()),
        pa.array([sorted(names) for names in groups], pa.list_(pa.string())),
        pa.array([source in due for source in sources], pa.bool_()),
    ]
    return pa.Table.from_arrays(columns, schema=STATE_SCHEMA)


class StateTask:
    """Writes the state file of one parent segment."""

    def __init__(
        self, ledger: Ledger, *, snapshot: str, due: frozenset[str], n_shards: int, max_file_bytes: int
    ) -> None:
        self._ledger = ledger
        self._snapshot = snapshot
        self._due = due
        self._n_shards = n_shards
        self._max_file_bytes = max_file_bytes

    def __call__(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Write the state of `payload["segment"]` and return the paths of its files."""
        ledger, key = self._ledger, str(payload["segment"])
        done = ledger.find(Stage.STATE, key)
        if done is not None:
            return done
        view = open_snapshot_segment(ledger.store, ledger.collection, self._snapshot, segment=key)
        writer = ShardWriter(
            ledger.store,
            lambda number: ledger.locate(Stage.STATE, key, f"{number}.shards"),
            n_shards=self._n_shards,
            schema=STATE_SCHEMA,
            max_bytes=self._max_file_bytes,
        )
        writer.add(list_held_rows(view, due=self._due))
        return ledger.record(Stage.STATE, key, {"files": writer.close()})
