"""Arrange: all of a shard's deliveries against all the collection holds of the same documents.

Reads the shard's row groups of the ingest and state files, lets `indexes.writing.arranging` decide, and
writes the chunk file of what is new, the patch rows of what changes, and dead letters for
deliveries that contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from eagleray.contracts.chunks import DELIVERED_SCHEMA
from eagleray.contracts.documents import DeadLetter
from eagleray.digests import digest_bytes
from indexes.runs.markers import Stage
from indexes.writing.arranging import arrange_shard
from indexes.writing.held_rows import STATE_SCHEMA
from ray_jobs.dead_letters import TaskLetters
from ray_jobs.ledger import Ledger
from ray_jobs.stages.joining import join_rows
from ray_jobs.stages.shard_files import read_shard, write_parquet


class ArrangeTask:
    """Arranges the shards of a run.

    Args:
        ledger: of the run.
        delivered: paths of the shard files of the ingest stage.
        states: paths of those of the state stage.
        chunker_digest: goes into the ids of rows whose version gets another name.
        now: when the run began, microseconds.
        joins_rows: whether rows say which version of a document they are part of.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        delivered: Sequence[str],
        states: Sequence[str],
        chunker_digest: str,
        now: int,
        joins_rows: bool = False,
    ) -> None:
        self._ledger = ledger
        self._delivered = delivered
        self._states = states
        self._chunker_digest = chunker_digest
        self._now = now
        self._joins_rows = joins_rows

    def __call__(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Arrange `payload["shard"]`."""
        ledger, shard = self._ledger, payload["shard"]
        key = f"{shard:06d}"
        done = ledger.find(Stage.ARRANGE, key)
        if done is not None:
            return done
        delivered = read_shard(ledger.store, self._delivered, shard, schema=DELIVERED_SCHEMA)
        state = read_shard(ledger.store, self._states, shard, schema=STATE_SCHEMA)
        odd: tuple[DeadLetter, ...] = ()
        if self._joins_rows:
            delivered, odd = join_rows(delivered)
        arranged = arrange_shard(delivered, state, chunker_digest=self._chunker_digest, now=self._now)
        outcome: dict[str, Any] = {
            "shard": shard,
            "counts": arranged.counts,
            "chunks": None,
            "patch": None,
        }
        if arranged.rows.num_rows:
            data = write_parquet(arranged.rows)
            outcome["chunks"] = digest_bytes(data)
            outcome |= measure_zones(arranged.rows)
            ledger.store.write(f"{ledger.collection}/chunks/{outcome['chunks']}.parquet", data)
        if arranged.patch.num_rows:
            data = write_parquet(arranged.patch)
            path = ledger.locate(Stage.ARRANGE, key, "patch.parquet")
            outcome["patch"] = {"path": path, "sha256": digest_bytes(data)}
            ledger.store.write(path, data)
        letters = TaskLetters((*odd, *arranged.dead_letters))
        letters.write(ledger, Stage.ARRANGE, key)
        outcome["n_dead_letters"] = letters.n
        return ledger.record(Stage.ARRANGE, key, outcome)


def measure_zones(rows: pa.Table) -> dict[str, dict[str, int]]:
    """Return zone -> rows as `rows_by_zone`, and zone -> bytes of them in memory as `bytes_by_zone`."""
    zones = {
        str(zone): rows.filter(pc.equal(rows["zone"], zone))
        for zone in sorted(rows["zone"].unique().to_pylist())
    }
    return {
        "rows_by_zone": {zone: table.num_rows for zone, table in zones.items()},
        "bytes_by_zone": {zone: table.nbytes for zone, table in zones.items()},
    }
