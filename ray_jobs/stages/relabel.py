"""Relabel: what another mapping makes of documents against the versions there are, and segments that follow.

`relabel` decides shard by shard, as `arrange` does in other runs. Rows with another heading are embedded and
built as new ones are; `rewrite` then writes each segment of the parent with the new labels of its rows,
without those that moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from eagleray.contracts.chunks import DELIVERED_SCHEMA
from eagleray.contracts.enrichment import WorkerResources
from indexes.runs.markers import Stage
from indexes.segments.relabelled_segment import relabel_segment
from indexes.writing.held_rows import HELD_CHUNK_SCHEMA, list_held_chunks
from indexes.writing.relabelled_versions import MAX_LISTED, SourceNow, relabel_shard
from ray_jobs.ledger import Ledger
from ray_jobs.plans.runs import RunPlan
from ray_jobs.stage_spec import StageSpec
from ray_jobs.stages.arrange import (
    ArrangeOutcome,
    DocumentShard,
    PatchRows,
    split_zones,
    write_chunks,
    write_patch_rows,
    write_rows,
)
from ray_jobs.stages.build import count_gpus
from ray_jobs.stages.shard_files import read_parquet, read_shard
from ray_jobs.stages.state import HeldSegment, StateOutcome, StateTask


@dataclass(frozen=True, slots=True, kw_only=True)
class RelabelOutcome(ArrangeOutcome):
    """What changes in a shard; its chunks are rows that have another heading.

    Attributes:
        labels: of the rows that have others, or `None` where there are none.
        left: sources with documents that are left as they are.
        listed: some of these documents, and why.
    """

    labels: PatchRows | None = None
    left: tuple[str, ...] = ()
    listed: tuple[tuple[str, str], ...] = ()


class RelabelTask:
    """Relabels the shards of a run.

    Args:
        ledger: of the run.
        delivered: paths of the shard files of chunk rows.
        held: paths of the shard files of what the parent snapshot holds.
        source: that was read.
    """

    def __init__(
        self, ledger: Ledger, delivered: Sequence[str], held: Sequence[str], *, source: SourceNow
    ) -> None:
        self._ledger, self._delivered, self._held, self._source = ledger, delivered, held, source

    def __call__(self, payload: DocumentShard) -> RelabelOutcome:
        """Relabel a shard."""
        ledger, shard = self._ledger, payload.number
        found = relabel_shard(
            read_shard(ledger.store, self._delivered, shard, schema=DELIVERED_SCHEMA),
            read_shard(ledger.store, self._held, shard, schema=HELD_CHUNK_SCHEMA),
            source=self._source,
        )
        zones = split_zones(found.moved)
        path = ledger.locate(Stage.RELABEL, payload.key, "labels.parquet")
        return RelabelOutcome(
            shard=shard,
            counts=found.counts,
            chunks=write_chunks(ledger, found.moved),
            patch=write_patch_rows(ledger, found.patch, stage=Stage.RELABEL, key=payload.key),
            n_dead_letters=0,
            rows_by_zone={zone: rows.num_rows for zone, rows in zones.items()},
            bytes_by_zone={zone: rows.nbytes for zone, rows in zones.items()},
            labels=write_rows(ledger, found.labels, path),
            left=tuple(sorted(found.left)),
            listed=found.listed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RewriteOutcome:
    """The digest of the segment in the place of another, or `None` where none of its rows is left in it."""

    segment: str | None


class RewriteTask:
    """Writes segments of the parent snapshot with new labels; doing it again gives the same segment."""

    def __init__(
        self, ledger: Ledger, labels: Sequence[PatchRows], *, texts: frozenset[str], device: str
    ) -> None:
        self._ledger, self._labels, self._texts, self._device = ledger, labels, texts, device

    def __call__(self, payload: HeldSegment) -> RewriteOutcome:
        """Write a segment."""
        ledger = self._ledger
        labels = (read_parquet(ledger.store, part.path, digest=part.sha256) for part in self._labels)
        segment = relabel_segment(
            ledger.collection, payload.digest, labels, texts=self._texts, device=self._device
        )
        return RewriteOutcome(segment=segment)


def make_held_chunks_stage(
    ledger: Ledger, segments: Iterable[str], *, plan: RunPlan
) -> StageSpec[HeldSegment, StateOutcome]:
    """Return the stage that lists what the parent snapshot holds in these segments, with its texts."""
    return StageSpec(
        name=Stage.STATE,
        payloads=tuple(HeldSegment(digest=digest) for digest in segments),
        make_task=partial(StateTask, ledger, plan=plan, schema=HELD_CHUNK_SCHEMA, list_rows=list_held_chunks),
        outcome=StateOutcome,
    )


def make_relabel_stage(
    ledger: Ledger, delivered: Sequence[str], held: Sequence[str], *, plan: RunPlan
) -> StageSpec[DocumentShard, RelabelOutcome]:
    """Return the stage that relabels every shard of a run; `RelabelTask` says what it takes."""
    source = SourceNow(
        name=plan.source,
        present=frozenset(f"{plan.source}/{part}" for part in plan.position),
        unchanged=frozenset(f"{plan.source}/{part}" for part in plan.unchanged),
    )
    return StageSpec(
        name=Stage.RELABEL,
        payloads=tuple(DocumentShard(number=number) for number in range(plan.n_shards)),
        make_task=partial(RelabelTask, ledger, delivered, held, source=source),
        outcome=RelabelOutcome,
    )


def make_rewrite_stage(
    ledger: Ledger,
    codebooks: Mapping[str, str | None],
    labels: Sequence[PatchRows],
    *,
    texts: frozenset[str],
    device: str,
) -> StageSpec[HeldSegment, RewriteOutcome]:
    """Return the stage that writes segments with new labels; it has nothing to do where there are none.

    Args:
        ledger: of the run.
        codebooks: digest of each segment -> that of its codebook, or `None` where it is flat.
        labels: files of labels.
        texts: attributes whose text is never a time.
        device: that makes inverted lists.
    """
    return StageSpec(
        name=Stage.REWRITE,
        payloads=tuple(HeldSegment(digest=digest) for digest in codebooks) if labels else (),
        make_task=partial(RewriteTask, ledger, tuple(labels), texts=texts, device=device),
        outcome=RewriteOutcome,
        resources=WorkerResources(n_gpus=count_gpus(device, codebooks.values())),
    )


def list_left(outcomes: Iterable[RelabelOutcome]) -> tuple[tuple[str, str], ...]:
    """Return some of the documents that are left as they are, by their ids, and why."""
    return tuple(sorted(item for outcome in outcomes for item in outcome.listed)[:MAX_LISTED])
