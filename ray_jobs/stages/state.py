"""State: what the parent snapshot holds, by shard, so that `arrange` can compare.

One task a parent segment writes its rows' ids, versions, times and groups, patches applied, as a
shard file; rows whose file was read again or is gone are marked `is_due`.
"""

from __future__ import annotations

from typing import Any

from indexes.runs.markers import Stage
from indexes.snapshots.opened import open_snapshot_segment
from indexes.writing.held_rows import STATE_SCHEMA, list_held_rows
from ray_jobs.ledger import Ledger
from ray_jobs.stages.shard_files import ShardWriter


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
