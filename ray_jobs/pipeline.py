"""A whole run: the list of its stages, each fed with what the ones before left in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from eagleray.contracts.collections import Collection
from eagleray.contracts.documents import AttributeTypes
from indexes.runs.markers import Stage
from indexes.segments.attributes import merge_attribute_types
from indexes.snapshots.catalog import load_snapshot
from indexes.writing.assembling import BuildOutcome, assemble_snapshot
from ray_jobs.codebook_trainer import CodebookTrainer, find_codebooks
from ray_jobs.plans.remapping import check_remapping
from ray_jobs.plans.segments import EmbeddedShard, SegmentPlan, plan_segments
from ray_jobs.plans.training import plan_training
from ray_jobs.relabelling_run import relabel, relabel_snapshot, rewrite
from ray_jobs.runs import Outcomes, Run, RunOutcome, Step, count_changes
from ray_jobs.stages.arrange import ArrangeFiles, make_arrange_stage, make_patch_stage
from ray_jobs.stages.build import BuiltSegment, PlannedSegment, make_build_stage
from ray_jobs.stages.chunk import make_chunk_stage
from ray_jobs.stages.embed import ChunkFile
from ray_jobs.stages.enrich import DocumentFiles, EnrichOutcome, make_enrich_stage
from ray_jobs.stages.ingest import IngestConfig, make_ingest_stage
from ray_jobs.stages.state import make_state_stage


def ingest(run: Run, left: Outcomes) -> Outcomes:
    """Read what the source delivers."""
    config = IngestConfig(
        open_source=run.open_source,
        rows=run.delivery.rows,
        sizes=run.shard_sizes,
        keeps_documents=run.delivery.enrichment is not None,
        mapping=run.delivery.mapping,
    )
    ingested = run.do(make_ingest_stage(run.ledger, run.plan.splits, config))
    run.on_read([item.tally for item in ingested], [])
    return replace(left, ingested=ingested, delivered=tuple(path for item in ingested for path in item.files))


def enrich(run: Run, left: Outcomes) -> Outcomes:
    """Have each enricher look at the documents that the one before has left."""
    enrichment = run.delivery.enrichment
    if enrichment is None:
        return left
    read = zip(run.plan.splits, left.ingested, strict=True)
    documents = [DocumentFiles(key=split.key, files=item.files) for split, item in read if item.files]
    enriched: list[EnrichOutcome] = []
    for spec in enrichment.enrichers:
        stage = make_enrich_stage(run.ledger, spec, documents, max_file_bytes=run.shard_sizes.max_file_bytes)
        outcomes = run.do(stage)
        enriched += outcomes
        documents = [
            DocumentFiles(key=given.key, files=item.files)
            for given, item in zip(documents, outcomes, strict=True)
        ]
    return replace(left, documents=tuple(documents), enriched=tuple(enriched))


def chunk(run: Run, left: Outcomes) -> Outcomes:
    """Chunk documents that were enriched; others became chunks where they were read."""
    enrichment = run.delivery.enrichment
    if enrichment is None:
        return left
    stage = make_chunk_stage(run.ledger, left.documents, enrichment.chunker, sizes=run.shard_sizes)
    outcomes = run.do(stage)
    delivered = tuple(path for item in outcomes for path in item.files)
    return replace(left, enriched=(*left.enriched, *outcomes), delivered=delivered)


def list_state(run: Run, left: Outcomes) -> Outcomes:
    """Write what the parent holds; parts with dead letters count as not read, so they close nothing."""
    plan = run.plan
    if plan.parent is None:
        return left
    faulty = {f"{plan.source}/{part}" for item in left.ingested for part in item.faulty}
    faulty |= {uri for item in left.enriched for uri in item.faulty}
    whole = {f"{plan.source}/{part}" for part in plan.whole}
    due = frozenset((whole - faulty) | {f"{plan.source}/{part}" for part in plan.gone})
    segments = load_snapshot(Collection(run.store, run.spec.name), plan.parent).segments
    return replace(left, states=run.do(make_state_stage(run.ledger, segments, plan=plan, due=due)))


def arrange(run: Run, left: Outcomes) -> Outcomes:
    """Decide what the delivery changes, shard by shard."""
    files = ArrangeFiles(
        delivered=left.delivered,
        states=[path for item in left.states for path in item.files],
        tombstones=[path for item in left.ingested for path in item.tombstones],
    )
    stage = make_arrange_stage(
        run.ledger,
        files,
        plan=run.plan,
        chunker_digest=run.spec.chunker_digest,
        joins_rows=run.delivery.joins_rows,
    )
    arranged = run.do(stage)
    later = [*(item.faults for item in left.enriched), *(item.faults for item in arranged)]
    if any(later):
        run.on_read([item.tally for item in left.ingested], later)
    return replace(left, arranged=arranged)


def check_mapping(run: Run, left: Outcomes) -> Outcomes:
    """Refuse or tell what another mapping than before would do, before anything is embedded.

    Raises:
        DocumentsOpenedError: documents would be opened, and nobody confirmed it.
    """
    check_remapping(run.plan, count_changes(left), opens_documents=run.opens_documents)
    return left


def patch(run: Run, left: Outcomes) -> Outcomes:
    """Gather all changes to rows there were."""
    parts = [item.patch for item in left.arranged if item.patch is not None]
    done = run.do(make_patch_stage(run.ledger, parts))
    return replace(left, patch=done[0].patch if done else None)


def embed(run: Run, left: Outcomes) -> Outcomes:
    """Give new chunks their vectors."""
    files = [ChunkFile(shard=item.shard, chunks=item.chunks) for item in left.arranged if item.chunks]
    return replace(left, embedded=run.do(run.delivery.make_embed_stage(run.ledger, files, left.ingested)))


def train(run: Run, left: Outcomes) -> Outcomes:
    """Group shards into segments, and find the codebook of each zone that has some with inverted lists."""
    vectors = {item.shard: item.vectors for item in left.embedded}
    shards = [
        EmbeddedShard(
            shard=item.shard,
            chunks=item.chunks,
            vectors=vectors[item.shard],
            rows_by_zone=item.rows_by_zone,
            bytes_by_zone=item.bytes_by_zone,
        )
        for item in left.arranged
        if item.chunks
    ]
    sizes = run.plan.sizes
    segments = plan_segments(shards, max_rows=sizes.max_segment_rows, max_memory_bytes=sizes.build_bytes)
    probes = [(item.probes, item.probes_digest) for item in left.embedded]
    return replace(left, segments=segments, codebooks=_train(run, segments, probes))


def _train(run: Run, segments: Sequence[SegmentPlan], probes: Sequence[tuple[str, str]]) -> dict[str, str]:
    rules, limits = run.plan.sizes.index, run.limits
    plans = plan_training(segments, rules)
    if not plans:
        return {}
    standing = find_codebooks(run.store, run.spec, run.plan.parent)
    trainer = CodebookTrainer(run.ledger, rules, workers=limits.n_workers, memory_bytes=limits.memory_bytes)
    decided = {}
    for done, plan in enumerate(plans, start=1):
        outcome = trainer.decide(plan, standing=standing.get(plan.zone), probes=probes)
        decided[plan.zone] = outcome.codebook
        run.on_progress(Stage.TRAIN, done, len(plans))
    return decided


def build(run: Run, left: Outcomes) -> Outcomes:
    """Build the segments."""
    index = run.plan.sizes.index
    segments = [
        PlannedSegment(
            plan=plan, codebook=left.codebooks.get(plan.zone) if index.covers(plan.n_rows) else None
        )
        for plan in left.segments
    ]
    stage = make_build_stage(run.ledger, segments, texts=run.delivery.texts, device=index.device)
    return replace(left, built=run.do(stage))


PIPELINE: Final[Sequence[Step]] = (
    ingest,
    enrich,
    chunk,
    list_state,
    arrange,
    check_mapping,
    patch,
    embed,
    train,
    build,
)
"""The stages of a run, in their order."""

RELABELLING: Final[Sequence[Step]] = (
    ingest,
    enrich,
    chunk,
    relabel,
    check_mapping,
    patch,
    embed,
    train,
    build,
    rewrite,
)
"""The stages of a run that gives versions there are new labels."""


def execute(run: Run) -> RunOutcome:
    """Run every stage up to the snapshot; what an earlier try finished is not done again.

    Raises:
        StreamMovedError: another writer moved the stream that was read.
        EagleRayError: what a stage raised.
    """
    left = Outcomes()
    for step in RELABELLING if run.relabels else PIPELINE:
        left = step(run, left)
        if unread := _find_unread(run, left):
            return RunOutcome(manifest=None, counts=count_changes(left), unread=unread)
    if run.relabels:
        return relabel_snapshot(run, left)
    counts = count_changes(left)
    if not left.built and left.patch is None and run.move is None:
        return RunOutcome(manifest=None, counts=counts)
    outcome = BuildOutcome(
        segments=tuple(item.segment for item in left.built),
        n_rows=sum(item.n_rows for item in left.built),
        patch=left.patch,
        open_change=counts.pop("open_change", 0),
        attributes=_join_attributes(left.built),
        moves=() if run.move is None else (run.move,),
    )
    manifest = assemble_snapshot(run.store, run.spec, parent=run.plan.parent, outcome=outcome)
    return RunOutcome(manifest=manifest, counts=counts)


def _find_unread(run: Run, left: Outcomes) -> frozenset[str]:
    sources = {source for item in left.arranged for source in item.unread}
    parts = frozenset(source.removeprefix(f"{run.plan.source}/") for source in sources)
    return parts - run.recalled if parts else parts


def _join_attributes(built: Sequence[BuiltSegment]) -> AttributeTypes:
    """Return the types that occur in all segments."""
    types: AttributeTypes = {}
    for item in built:
        types = merge_attribute_types(types, item.attributes)
    return types
