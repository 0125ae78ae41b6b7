"""A whole run: the order of its stages, each fed with what the one before left in the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

from eagleray.contracts.documents import AttributeType, AttributeTypes
from eagleray.contracts.manifests import CollectionSpec, SnapshotManifest
from eagleray.contracts.ports import Store
from eagleray.contracts.services import OnProgress
from eagleray.errors import SourceError
from eagleray.settings import Settings
from indexes.runs.markers import Stage
from indexes.segments.attributes import merge_attribute_types
from indexes.snapshots.catalog import load_snapshot
from indexes.writing.assembling import BuildOutcome, assemble_snapshot
from ray_jobs.deliveries import Delivery
from ray_jobs.execution import Resources, run_shards
from ray_jobs.ledger import Ledger
from ray_jobs.plans.runs import RunPlan
from ray_jobs.plans.segments import EmbeddedShard, SegmentPlan, plan_segments
from ray_jobs.plans.training import plan_training
from ray_jobs.stages.making import (
    make_arrange,
    make_build,
    make_patch,
    make_state,
)
from ray_jobs.training import CodebookTrainer, find_codebooks

Outcome = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What every stage of a run needs to know.

    Attributes:
        delivery: how its rows come in.
    """

    plan: RunPlan
    spec: CollectionSpec
    store: Store
    delivery: Delivery
    settings: Settings
    on_progress: OnProgress

    @property
    def ledger(self) -> Ledger:
        """The run's ledger."""
        return Ledger(self.store, collection=self.spec.name, run_id=self.plan.run_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """What a run made.

    Attributes:
        manifest: the new snapshot, or `None` where nothing changed.
        counts: documents read, versions added, superseded, removed, dead letters, …
    """

    manifest: SnapshotManifest | None
    counts: dict[str, int]


def execute(run: Run) -> RunOutcome:
    """Run every stage up to the snapshot; what an earlier try finished is not done again.

    Raises:
        SourceError: nothing could be read and there is nothing to build on.
        EagleRayError: what a stage raised.
    """
    ingested = _ingest(run)
    arranged = _arrange(run, ingested, _list_state(run, ingested))
    counts = _count(ingested, arranged)
    patch = _patch(run, arranged)
    with_rows = [item for item in arranged if item["chunks"]]
    if not with_rows and patch is None:
        if run.plan.parent is None:
            detail = f"no document could be read; {counts['dead_letters']} records were set aside"
            hint = f"eagleray dead-letters list {run.settings.options}"
            raise SourceError(source=run.delivery.url, detail=f"{detail}: {hint}")
        return RunOutcome(manifest=None, counts=counts)
    embedded = {item["shard"]: item for item in _embed(run, with_rows, ingested)}
    shards = [
        EmbeddedShard(
            shard=item["shard"],
            chunks=item["chunks"],
            vectors=embedded[item["shard"]]["vectors"],
            rows_by_zone=item["rows_by_zone"],
            bytes_by_zone=item["bytes_by_zone"],
        )
        for item in with_rows
    ]
    sizes = run.plan.sizes
    plans = plan_segments(shards, max_rows=sizes.max_segment_rows, max_memory_bytes=sizes.build_bytes)
    probes = [(item["probes"], item["probes_digest"]) for item in embedded.values()]
    built = _build(run, plans, codebooks=_train(run, plans, probes))
    outcome = BuildOutcome(
        segments=tuple(item["segment"] for item in built),
        n_rows=sum(item["n_rows"] for item in built),
        patch=patch,
        open_change=counts.pop("open_change"),
        attributes=_join_attributes(built),
    )
    manifest = assemble_snapshot(run.store, run.spec, parent=run.plan.parent, outcome=outcome)
    return RunOutcome(manifest=manifest, counts=counts)


def _ingest(run: Run) -> list[Outcome]:
    delivery = run.delivery
    return _run_stage(run, Stage.INGEST, delivery.list_pieces(), delivery.make_ingest(run.ledger))


def _list_state(run: Run, ingested: list[Outcome]) -> list[Outcome]:
    """Write what the parent holds; files with dead letters count as not read, so they close nothing."""
    if run.plan.parent is None:
        return []
    faulty = {path for item in ingested for path in item["faulty"]}
    due = frozenset(f"{run.plan.source}/{path}" for path in (run.plan.reread - faulty) | run.plan.gone)
    segments = load_snapshot(run.store, run.spec.name, run.plan.parent).segments
    make = partial(make_state, run.ledger, plan=run.plan, due=due)
    return _run_stage(run, Stage.STATE, [{"key": digest, "segment": digest} for digest in segments], make)


def _arrange(run: Run, ingested: list[Outcome], states: list[Outcome]) -> list[Outcome]:
    payloads = [{"key": f"{shard:06d}", "shard": shard} for shard in range(run.plan.n_shards)]
    make = partial(
        make_arrange,
        run.ledger,
        delivered=[path for item in ingested for path in item["files"]],
        states=[path for item in states for path in item["files"]],
        chunker_digest=run.spec.chunker_digest,
        now=run.plan.started_at,
        joins_rows=run.delivery.joins_rows,
    )
    return _run_stage(run, Stage.ARRANGE, payloads, make)


def _embed(run: Run, arranged: list[Outcome], ingested: list[Outcome]) -> list[Outcome]:
    payloads = [{"key": item["key"], "shard": item["shard"], "chunks": item["chunks"]} for item in arranged]
    return _run_stage(run, Stage.EMBED, payloads, run.delivery.make_embed(run.ledger, ingested))


def _train(run: Run, segments: Sequence[SegmentPlan], probes: list[tuple[str, str]]) -> dict[str, str]:
    """Return the codebook of each zone that has segments with inverted lists: zone -> digest."""
    rules, jobs = run.plan.sizes.index, run.settings.jobs
    plans = plan_training(segments, rules)
    if not plans:
        return {}
    standing = find_codebooks(run.store, run.spec, run.plan.parent)
    trainer = CodebookTrainer(run.ledger, rules, workers=jobs.workers, memory_bytes=jobs.worker_memory_bytes)
    decided = {}
    for done, plan in enumerate(plans, start=1):
        outcome = trainer.decide(plan, standing=standing.get(plan.zone), probes=probes)
        decided[plan.zone] = str(outcome["codebook"])
        run.on_progress(Stage.TRAIN, done, len(plans))
    return decided


def _build(
    run: Run,
    plans: Sequence[SegmentPlan],
    *,
    codebooks: dict[str, str],
) -> list[Outcome]:
    covers = run.plan.sizes.index.covers
    payloads = [
        {
            "key": plan.key,
            "zone": plan.zone,
            "codebook": codebooks.get(plan.zone) if covers(plan.n_rows) else None,
            "parts": [{"chunks": part.chunks, "vectors": part.vectors} for part in plan.parts],
        }
        for plan in plans
    ]
    device = run.plan.sizes.index.device
    make = partial(make_build, run.ledger, texts=run.delivery.texts, device=device)
    return _run_stage(run, Stage.BUILD, payloads, make)


def _run_stage(run: Run, stage: Stage, payloads: list[Outcome], make: Any) -> list[Outcome]:
    """Return the stage's outcomes in the order of the payloads; only unfinished shards are run."""
    keys = [item["key"] for item in payloads]
    found = {key: done for key in keys if (done := run.ledger.find(stage, key)) is not None}
    todo = [item for item in payloads if item["key"] not in found]
    jobs = run.settings.jobs
    resources = Resources(
        workers=jobs.workers,
        memory_bytes=jobs.worker_memory_bytes,
        n_gpus=_count_gpus(run, stage, todo),
        keeps_task=stage is Stage.EMBED,
        no_progress_timeout_s=jobs.no_progress_timeout_s,
    )
    with closing(run_shards(make, todo, resources=resources)) as outcomes:
        for outcome in _report(run, stage, outcomes, len(payloads), len(todo)):
            found[outcome["key"]] = outcome
    return [found[key] for key in keys]


def _count_gpus(run: Run, stage: Stage, payloads: Sequence[Outcome]) -> float:
    """Return how many GPUs each worker of a stage needs."""
    if stage is Stage.EMBED:
        return float(run.settings.embedder.device == "cuda")
    return run.plan.sizes.index.count_gpus(payloads) if stage is Stage.BUILD else 0.0


def _report(
    run: Run, stage: Stage, outcomes: Iterator[Outcome], n_shards: int, n_todo: int
) -> Iterator[Outcome]:
    for done, outcome in enumerate(outcomes, start=n_shards - n_todo + 1):
        run.on_progress(stage, done, n_shards)
        yield outcome


def _count(ingested: list[Outcome], arranged: list[Outcome]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for item in ingested:
        counts.update(documents_read=item["n_documents"], dead_letters=item["n_dead_letters"])
    for item in arranged:
        counts.update(item["counts"])
        counts.update(dead_letters=item["n_dead_letters"])
    return dict(counts)


def _patch(run: Run, arranged: list[Outcome]) -> str | None:
    """Return the digest of the patch that holds all changes to rows there were, if there are any."""
    parts = [item["patch"] for item in arranged if item["patch"]]
    if not parts:
        return None
    done = _run_stage(run, Stage.PATCH, [{"key": "patch", "parts": parts}], partial(make_patch, run.ledger))
    return str(done[0]["patch"])


def _join_attributes(built: list[Outcome]) -> AttributeTypes:
    """Return the types that occur in all segments."""
    types: AttributeTypes = {}
    for item in built:
        found = {name: [AttributeType(kind) for kind in kinds] for name, kinds in item["attributes"].items()}
        types = merge_attribute_types(types, found)
    return types
