"""Arrange: all of a shard's deliveries against all the collection holds of the same documents.

Reads the shard's row groups of the ingest and state files, lets `indexes.writing.arranging` decide, and
writes the chunk file of what is new, the patch rows of what changes, and dead letters for
deliveries that contradict each other. Then one task gathers the patch rows of all shards into one patch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from eagleray.contracts.chunks import DELIVERED_SCHEMA
from eagleray.contracts.documents import DeadLetter
from eagleray.digests import digest_bytes
from indexes.runs.markers import Stage
from indexes.snapshots.patches import make_patch, put_patch
from indexes.writing.arranging import TOMBSTONE_SCHEMA, Remapping, arrange_shard
from indexes.writing.held_rows import STATE_SCHEMA
from ray_jobs.dead_letters import Faults, TaskLetters
from ray_jobs.ledger import Ledger
from ray_jobs.plans.runs import RunPlan
from ray_jobs.stage_spec import StageSpec
from ray_jobs.stages.row_versions import join_rows
from ray_jobs.stages.shard_files import read_parquet, read_shard, write_parquet


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentShard:
    """The documents whose ids have one digest, modulo the number of shards."""

    number: int

    @property
    def key(self) -> str:
        """Name of the shard within its run."""
        return f"{self.number:06d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchRows:
    """A file of patch rows, and the SHA-256 of its bytes."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrangeOutcome:
    """What changes in a shard.

    Attributes:
        counts: kind of change -> how many there are.
        chunks: digest that names the file of new chunks, or `None` where there are none.
        patch: changes to rows there were, or `None` where there are none.
        n_dead_letters: deliveries that were set aside.
        rows_by_zone: zone -> new rows.
        bytes_by_zone: zone -> bytes of these rows in memory.
        faults: sources of deliveries that were set aside -> reason -> how many there are.
        unread: sources that have to be read, too, before any of it holds.
    """

    shard: int
    counts: dict[str, int]
    chunks: str | None
    patch: PatchRows | None
    n_dead_letters: int
    rows_by_zone: dict[str, int] = field(default_factory=dict)
    bytes_by_zone: dict[str, int] = field(default_factory=dict)
    faults: Faults = field(default_factory=dict)
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrangeFiles:
    """Paths of the shard files that shards are arranged from.

    Attributes:
        delivered: of chunk rows.
        states: of what the parent snapshot holds.
        tombstones: of documents that were removed, and when.
    """

    delivered: Sequence[str]
    states: Sequence[str]
    tombstones: Sequence[str] = ()


class ArrangeTask:
    """Arranges the shards of a run.

    Args:
        ledger: of the run.
        files: what is arranged.
        chunker_digest: goes into the ids of rows whose version gets another name.
        now: when the run began, microseconds.
        joins_rows: whether rows say which version of a document they are part of.
        remapping: what was made by another mapping than before, or `None`.
    """

    def __init__(
        self,
        ledger: Ledger,
        files: ArrangeFiles,
        *,
        chunker_digest: str,
        now: int,
        joins_rows: bool = False,
        remapping: Remapping | None = None,
    ) -> None:
        self._ledger = ledger
        self._files = files
        self._chunker_digest = chunker_digest
        self._now = now
        self._joins_rows = joins_rows
        self._remapping = remapping

    def __call__(self, payload: DocumentShard) -> ArrangeOutcome:
        """Arrange a shard."""
        ledger, shard = self._ledger, payload.number
        delivered = read_shard(ledger.store, self._files.delivered, shard, schema=DELIVERED_SCHEMA)
        state = read_shard(ledger.store, self._files.states, shard, schema=STATE_SCHEMA)
        odd: tuple[DeadLetter, ...] = ()
        if self._joins_rows:
            delivered, odd = join_rows(delivered)
        tombstones = read_shard(ledger.store, self._files.tombstones, shard, schema=TOMBSTONE_SCHEMA)
        arranged = arrange_shard(
            delivered,
            state,
            chunker_digest=self._chunker_digest,
            now=self._now,
            tombstones=tombstones,
            remapping=self._remapping,
        )
        zones = split_zones(arranged.rows)
        letters = TaskLetters((*odd, *arranged.dead_letters))
        outcome = ArrangeOutcome(
            shard=shard,
            counts=arranged.counts,
            chunks=write_chunks(ledger, arranged.rows),
            patch=write_patch_rows(ledger, arranged.patch, stage=Stage.ARRANGE, key=payload.key),
            n_dead_letters=letters.n,
            rows_by_zone={zone: rows.num_rows for zone, rows in zones.items()},
            bytes_by_zone={zone: rows.nbytes for zone, rows in zones.items()},
            faults=letters.faults,
            unread=tuple(sorted(arranged.unread)),
        )
        letters.write(ledger, Stage.ARRANGE, payload.key)
        return outcome


def write_chunks(ledger: Ledger, rows: pa.Table) -> str | None:
    """Write a file of chunks to be embedded, and return its digest; `None` where there are none."""
    if not rows.num_rows:
        return None
    data = write_parquet(rows)
    digest = digest_bytes(data)
    ledger.store.write(f"{ledger.collection.name}/chunks/{digest}.parquet", data)
    return digest


def write_patch_rows(ledger: Ledger, rows: pa.Table, *, stage: Stage, key: str) -> PatchRows | None:
    """Write the patch rows of a shard, and return where they lie; `None` where there are none."""
    return write_rows(ledger, rows, ledger.locate(stage, key, "patch.parquet"))


def write_rows(ledger: Ledger, rows: pa.Table, path: str) -> PatchRows | None:
    """Write rows of a shard, and return where they lie; `None` where there are none."""
    if not rows.num_rows:
        return None
    data = write_parquet(rows)
    ledger.store.write(path, data)
    return PatchRows(path=path, sha256=digest_bytes(data))


def split_zones(rows: pa.Table) -> dict[str, pa.Table]:
    """Return the rows of each zone."""
    zones = sorted(rows["zone"].unique().to_pylist())
    return {str(zone): rows.filter(pc.equal(rows["zone"], zone)) for zone in zones}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardPatches:
    """The patch rows of all shards, at least one file."""

    parts: tuple[PatchRows, ...]

    @property
    def key(self) -> str:
        """Name of the one shard of its stage."""
        return "patch"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchOutcome:
    """The digest that names a patch of the snapshot."""

    patch: str


class PatchTask:
    """Gathers the changes of a run, away from the driver."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __call__(self, payload: ShardPatches) -> PatchOutcome:
        """Gather the files of patch rows."""
        ledger = self._ledger
        tables = [read_parquet(ledger.store, part.path, digest=part.sha256) for part in payload.parts]
        return PatchOutcome(patch=put_patch(ledger.collection, make_patch(pa.concat_tables(tables))))


def make_arrange_stage(
    ledger: Ledger, files: ArrangeFiles, *, plan: RunPlan, chunker_digest: str, joins_rows: bool
) -> StageSpec[DocumentShard, ArrangeOutcome]:
    """Return the stage that arranges every shard of a run; `ArrangeTask` says what it takes."""
    remapping = None
    if plan.is_remapped or plan.unchanged:
        unchanged = frozenset(f"{plan.source}/{part}" for part in plan.unchanged)
        remapping = Remapping(is_all=plan.is_remapped, unchanged=unchanged)
    make_task = partial(
        ArrangeTask,
        ledger,
        files,
        chunker_digest=chunker_digest,
        now=plan.started_at,
        joins_rows=joins_rows,
        remapping=remapping,
    )
    return StageSpec(
        name=Stage.ARRANGE,
        payloads=tuple(DocumentShard(number=number) for number in range(plan.n_shards)),
        make_task=make_task,
        outcome=ArrangeOutcome,
    )


def make_patch_stage(ledger: Ledger, parts: Sequence[PatchRows]) -> StageSpec[ShardPatches, PatchOutcome]:
    """Return the stage that makes one patch of all changes; it has nothing to do where there are none."""
    return StageSpec(
        name=Stage.PATCH,
        payloads=(ShardPatches(parts=tuple(parts)),) if parts else (),
        make_task=partial(PatchTask, ledger),
        outcome=PatchOutcome,
    )
