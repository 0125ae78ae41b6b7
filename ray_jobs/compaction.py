"""A snapshot with fewer, larger segments: plan, join on Ray, then the same gate and alias as any other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from eagleray.contracts.collections import Collection
from eagleray.contracts.enrichment import WorkerResources
from eagleray.contracts.manifests import SnapshotManifest
from eagleray.contracts.ports import Store
from eagleray.contracts.services import OnProgress
from indexes.segments.codebooks import load_codebook
from indexes.segments.compacting import compact_segments
from indexes.segments.opened_segment import load_segment_manifest
from indexes.snapshots.catalog import put_snapshot
from ray_jobs.codebook_trainer import find_codebooks
from ray_jobs.execution import WorkerLimits, run_stage
from ray_jobs.plans.compaction import CompactionPlan, plan_compaction
from ray_jobs.plans.runs import RunSizes
from ray_jobs.stage_spec import StageSpec
from ray_jobs.stages.build import count_gpus


def plan_snapshot(store: Store, manifest: SnapshotManifest, *, sizes: RunSizes) -> tuple[CompactionPlan, ...]:
    """Return which of a snapshot's segments become one."""
    collection = Collection(store, manifest.collection.name)
    segments = [(digest, load_segment_manifest(collection, digest)) for digest in manifest.segments]
    return plan_compaction(segments, max_rows=sizes.max_segment_rows, max_memory_bytes=sizes.build_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCompaction:
    """Segments to be joined, and the digest of the codebook where the new one has inverted lists."""

    plan: CompactionPlan
    codebook: str | None

    @property
    def key(self) -> str:
        """Name of the task within the job."""
        return self.plan.key


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactOutcome:
    """The digest of the segment that others became."""

    segment: str


class CompactTask:
    """Joins small segments of a zone; doing it again gives the same segment."""

    def __init__(self, collection: Collection, *, device: str, cache: Path) -> None:
        self._collection, self._device, self._cache = collection, device, cache

    def __call__(self, payload: PlannedCompaction) -> CompactOutcome:
        """Join segments, and publish the one they become."""
        name = payload.codebook
        digest = compact_segments(
            self._collection,
            list(payload.plan.digests),
            codebook=load_codebook(self._collection, name) if name else None,
            device=self._device,
            cache=self._cache,
        )
        return CompactOutcome(segment=digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compaction:
    """What a compaction is done with.

    Attributes:
        cache: folder for copies of segments of remote stores.
    """

    sizes: RunSizes
    limits: WorkerLimits
    cache: Path
    on_progress: OnProgress


def compact_snapshot(
    store: Store, manifest: SnapshotManifest, plans: Sequence[CompactionPlan], *, by: Compaction
) -> SnapshotManifest:
    """Join segments as planned, write the snapshot that names the new ones, and return its manifest.

    Whatever stands before the alias moves is invisible to readers, so a crash anywhere here loses nothing.
    """
    index, snapshot = by.sizes.index, manifest.snapshot_id
    collection = Collection(store, manifest.collection.name)
    codebooks = find_codebooks(store, manifest.collection, snapshot)
    payloads = tuple(
        PlannedCompaction(plan=plan, codebook=codebooks.get(plan.zone) if index.covers(plan.n_rows) else None)
        for plan in plans
    )
    stage = StageSpec(
        name="compact",
        payloads=payloads,
        make_task=partial(CompactTask, collection, device=index.device, cache=by.cache),
        outcome=CompactOutcome,
        resources=WorkerResources(n_gpus=count_gpus(index.device, (item.codebook for item in payloads))),
    )
    outcomes = run_stage(stage, ledger=None, limits=by.limits, on_progress=by.on_progress)
    made = {plan.key: outcome.segment for plan, outcome in zip(plans, outcomes, strict=True)}
    compacted = replace(manifest, segments=replace_segments(manifest.segments, plans, made), parent=snapshot)
    put_snapshot(store, compacted)
    return compacted


def replace_segments(
    segments: Sequence[str], plans: Sequence[CompactionPlan], made: dict[str, str]
) -> tuple[str, ...]:
    """Return a snapshot's segments with each new one in the place of the first that it was made of."""
    firsts = {plan.digests[0]: made[plan.key] for plan in plans}
    gone = {digest for plan in plans for digest in plan.digests}
    return tuple(firsts.get(digest, digest) for digest in segments if digest in firsts or digest not in gone)
