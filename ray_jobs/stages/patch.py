"""Patch: the patch rows of all shards in, one patch of the snapshot out."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from indexes.runs.markers import Stage
from indexes.snapshots.patches import make_patch, put_patch
from ray_jobs.ledger import Ledger
from ray_jobs.stages.shard_files import read_parquet


class PatchTask:
    """Gathers the changes of a run, away from the driver."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __call__(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Gather the files that `payload["parts"]` names."""
        ledger, key = self._ledger, payload["key"]
        done = ledger.find(Stage.PATCH, key)
        if done is not None:
            return done
        parts = payload["parts"]
        tables = [read_parquet(ledger.store, part["path"], digest=part["sha256"]) for part in parts]
        patch = put_patch(ledger.store, ledger.collection, make_patch(pa.concat_tables(tables)))
        return ledger.record(Stage.PATCH, key, {"patch": patch})
