"""A snapshot with fewer, larger segments: plan, join on Ray, then the same gate and alias as any other."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

from eagleray.contracts.manifests import SnapshotManifest
from eagleray.contracts.ports import Store
from eagleray.contracts.services import OnProgress
from eagleray.settings import Settings
from indexes.gating import find_cache
from indexes.segments.opening import load_segment_manifest
from indexes.snapshots.catalog import load_snapshot, put_snapshot
from ray_jobs.execution import Resources, run_shards
from ray_jobs.plans.compaction import CompactionPlan, plan_compaction
from ray_jobs.plans.runs import RunSizes
from ray_jobs.stages.compact import CompactTask
from ray_jobs.training import find_codebooks


def plan_snapshot(store: Store, manifest: SnapshotManifest, *, sizes: RunSizes) -> tuple[CompactionPlan, ...]:
    """Return which of a snapshot's segments become one."""
    collection = manifest.collection.name
    segments = [(digest, load_segment_manifest(store, collection, digest)) for digest in manifest.segments]
    return plan_compaction(segments, max_rows=sizes.max_segment_rows, max_memory_bytes=sizes.build_bytes)


def compact_snapshot(
    store: Store,
    snapshot: str,
    plans: Sequence[CompactionPlan],
    *,
    settings: Settings,
    sizes: RunSizes,
    on_progress: OnProgress,
) -> SnapshotManifest:
    """Join segments as planned, write the snapshot that names the new ones, and return its manifest.

    Whatever stands before the alias moves is invisible to readers, so a crash anywhere here loses nothing.
    """
    collection = settings.collection
    codebooks = find_codebooks(store, load_snapshot(store, collection, snapshot).collection, snapshot)
    payloads = [
        {
            "key": plan.key,
            "digests": list(plan.digests),
            "codebook": codebooks.get(plan.zone) if sizes.index.covers(plan.n_rows) else None,
        }
        for plan in plans
    ]
    make = partial(CompactTask, store, collection, device=sizes.index.device, cache=find_cache(settings))
    jobs = settings.jobs
    resources = Resources(
        workers=jobs.workers,
        memory_bytes=jobs.worker_memory_bytes,
        n_gpus=sizes.index.count_gpus(payloads),
        no_progress_timeout_s=jobs.no_progress_timeout_s,
    )
    made: dict[str, Any] = {}
    with closing(run_shards(make, payloads, resources=resources)) as outcomes:
        for outcome in outcomes:
            made[outcome["key"]] = outcome["segment"]
            on_progress("compact", len(made), len(payloads))
    before = load_snapshot(store, collection, snapshot)
    manifest = replace(before, segments=replace_segments(before.segments, plans, made), parent=snapshot)
    put_snapshot(store, manifest)
    return manifest


def replace_segments(
    segments: Sequence[str], plans: Sequence[CompactionPlan], made: dict[str, str]
) -> tuple[str, ...]:
    """Return a snapshot's segments with each new one in the place of the first that it was made of."""
    firsts = {plan.digests[0]: made[plan.key] for plan in plans}
    gone = {digest for plan in plans for digest in plan.digests}
    return tuple(firsts.get(digest, digest) for digest in segments if digest in firsts or digest not in gone)
