"""The jobs as the command line calls them: from settings and a request to a report."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from eagleray.chunking.config import ChunkerConfig, make_chunker_identity
from eagleray.contracts.collections import Collection
from eagleray.contracts.exchange import ImportRequest
from eagleray.contracts.indexes import IndexKind
from eagleray.contracts.manifests import CollectionSpec, EmbedderIdentity
from eagleray.contracts.ports import SearchEngine, Store
from eagleray.contracts.services import AnswerRequest, IngestRequest, OnProgress, TuneRequest
from eagleray.contracts.sources import SourceFactory, SourceRequest
from eagleray.digests import digest_file
from eagleray.documents.enrichment import describe_enrichers, digest_preparation
from eagleray.documents.mapping import DEFAULT_MAPPING, load_mapping
from eagleray.embedders import describe_embedder, find_tokenizer, open_embedder, settle_backend
from eagleray.embedders.remembering import RememberingEmbedder
from eagleray.setting_groups.engine import EmbedderSettings, IndexSettings, JobSettings
from eagleray.settings import Settings
from indexes.exchange.imported_rows import find_declared_texts
from indexes.gating import find_cache, gate_and_move
from indexes.publishing import publish_made
from indexes.runs.dead_letters import list_dead_letters
from indexes.service import LocalIndexService, make_searcher, open_named
from indexes.snapshots.catalog import load_snapshot, put_collection, put_snapshot, resolve
from indexes.snapshots.positions import (
    copy_positions,
    forget_parts,
)
from indexes.storage import open_store
from ray_jobs.answer_job import AnswerParts, plan_job, run_job
from ray_jobs.clusters import connected
from ray_jobs.compaction import Compaction, compact_snapshot, plan_snapshot
from ray_jobs.dead_letters import find_faulty_parts
from ray_jobs.deliveries import (
    DecoderFactory,
    Delivery,
    DocumentDelivery,
    VectorDelivery,
    list_declared_texts,
)
from ray_jobs.execution import Shared, WorkerLimits
from ray_jobs.ledger import Ledger
from ray_jobs.pipeline import Run
from ray_jobs.plans.runs import RunInput, RunPlan, RunSizes, plan_run
from ray_jobs.plans.training import IndexRules
from ray_jobs.run_base import find_base, find_move
from ray_jobs.run_events import follow_stages
from ray_jobs.run_publication import PublishTarget, carry_out_run
from ray_jobs.sources.questions import open_questions
from ray_jobs.sources.registry import find_source
from ray_jobs.sources.vectors.imports import OpenedImport, open_import
from ray_jobs.stages.chunk import ChunkerFactory
from ray_jobs.tuning import check_request, tune_snapshot


class RayJobService:
    """Ingests on the job's cluster, on the one named, or on a local one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def ingest(self, request: IngestRequest, on_progress: OnProgress) -> dict[str, Any]:
        """Run a delivery from source to alias and return its report.

        Raises:
            InputError: the request, the source or the mapping cannot be used as they are.
            ConflictError: somebody else published meanwhile.
            GateError: the snapshot did not pass; it stays unpublished.
            StoreError: the store failed; run it again.
        """
        settings = self._settings
        started = time.monotonic()
        embedder = settle_backend(settings.embedder, cache=Path(settings.cache).expanduser())
        settings = settings.model_copy(update={"embedder": embedder})
        mapping = load_mapping(Path(request.mapping)) if request.mapping else DEFAULT_MAPPING
        enrichers = describe_enrichers(settings.jobs.enrichers.split())
        spec = describe_collection(settings)
        store = open_store(settings.store, s3=settings.s3)
        own = tuple(url for url in (store.url, settings.cache, settings.audit.store) if url)
        asked = SourceRequest(
            uri=request.source,
            mapping_digest=digest_preparation(mapping.digest, enrichers),
            name=request.source_name,
            own=own,
        )
        chunker = ChunkerFactory(spec=spec, embedder=settings.embedder)
        job = DeliveryJob(
            spec=spec,
            source=find_source(asked),
            delivery=DocumentDelivery(mapping=mapping, chunker=chunker, enrichers=enrichers),
            embedder=describe_embedder(settings.embedder),
            mapping_digest=asked.mapping_digest,
            only_faulty=request.only_dead_letters,
        )
        report = _deliver(job, settings, request, on_progress)
        return {**report, "seconds": round(time.monotonic() - started, 1)}

    def import_rows(self, request: ImportRequest, on_progress: OnProgress) -> dict[str, Any]:
        """Take rows with their vectors into the collection, publish them, and return the report.

        Raises:
            InputError: request, rows or mapping cannot be used, or the vectors are not the model's.
            ConflictError: somebody else published meanwhile.
            GateError: the snapshot did not pass; it stays unpublished.
            StoreError: the store failed; run it again.
        """
        settings = self._settings
        started = time.monotonic()
        model = settings.embedder.model_copy(update={"model": request.model})
        settings = settings.model_copy(update={"embedder": model})
        spec = describe_collection(settings)
        opened = open_import(request, spec, settings)
        job = DeliveryJob(
            spec=spec,
            source=opened.factory,
            delivery=_deliver_vectors(opened, settings.embedder),
            embedder=opened.identity,
            mapping_digest=opened.mapping_digest,
        )
        report = _deliver(job, settings, request, on_progress)
        rows = {"rows_read": report.pop("documents_read"), "rows_compared": opened.n_compared}
        return {**report, **rows, "seconds": round(time.monotonic() - started, 1)}

    def compact(self, *, alias: str, address: str, on_progress: OnProgress) -> dict[str, Any]:
        """Join the small segments of an alias's snapshot, and publish the result.

        Raises:
            NotPublishedError: there is no such alias.
            ConflictError: somebody else published meanwhile; run it again.
            GateError: the new snapshot did not pass; it stays unpublished.
        """
        settings = self._settings
        store = open_store(settings.store, s3=settings.s3)
        snapshot = resolve(Collection(store, settings.collection), alias)
        sizes = _choose_sizes(settings.jobs, settings.index)
        before = load_snapshot(Collection(store, settings.collection), snapshot)
        plans = plan_snapshot(store, before, sizes=sizes)
        report: dict[str, Any] = {"snapshot": snapshot, "changed": bool(plans), "joined": 0, "made": 0}
        if not plans:
            return {**report, "message": "no two segments are small enough to become one"}
        with connected(address, n_cpus=settings.jobs.workers):
            by = Compaction(
                sizes=sizes,
                limits=WorkerLimits.choose(settings.jobs),
                cache=find_cache(settings),
                on_progress=on_progress,
            )
            manifest = compact_snapshot(store, before, plans, by=by)

        def copy_notes(onto: str | None, made: str) -> None:
            copy_positions(Collection(store, settings.collection), str(onto), made)

        moved = publish_made(
            store, manifest, alias=alias, reason="compact", settings=settings, keep_notes=copy_notes
        )
        joined = sum(len(plan.digests) for plan in plans)
        n_segments = len(load_snapshot(Collection(store, settings.collection), moved.snapshot).segments)
        report |= {"snapshot": moved.snapshot, "joined": joined, "made": len(plans)}
        return {**report, "segments": n_segments, "published": moved.sequence}

    def tune(self, request: TuneRequest) -> dict[str, Any]:
        """Fit the weights of hybrid search to questions, and publish them where they help.

        Raises:
            InputError: the questions cannot be used, or too few can be made.
            ConflictError: somebody else published meanwhile; run it again.
            GateError: the new snapshot did not pass; it stays unpublished.
        """
        settings = self._settings
        check_request(request)
        store = open_store(settings.store, s3=settings.s3)
        opened = open_named(settings, snapshot=request.alias)
        embedder = RememberingEmbedder(open_embedder(settings.embedder))
        tuned = tune_snapshot(opened, make_searcher(opened, settings=settings, embedder=embedder), request)
        if tuned.manifest is None:
            return tuned.report
        before, made = opened.snapshot_id, tuned.manifest.snapshot_id
        put_snapshot(store, tuned.manifest)
        copy_positions(Collection(store, settings.collection), before, made)
        moved = gate_and_move(
            store,
            tuned.manifest,
            alias=request.alias,
            expected=before,
            reason="tune",
            settings=settings,
        )
        return {**tuned.report, "snapshot": made, "published": moved.sequence}

    def answer(self, request: AnswerRequest, on_progress: OnProgress) -> dict[str, Any]:
        """Answer files of questions into a folder of answers, and return the report.

        Raises:
            InputError: the request, the questions or the target cannot be used as they are.
            NotPublishedError: there is no such snapshot.
            StoreError: a store failed; run it again.
        """
        settings = self._settings
        started = time.monotonic()
        parts = AnswerParts(
            collection=settings.collection,
            embedder=open_embedder(settings.embedder).identity,
            list_questions=partial(open_questions, request.questions, s3=settings.s3),
            target=open_store(request.target, s3=settings.s3),
            find_snapshot=partial(_find_snapshot, settings, request.snapshot),
            open_engine=partial(_open_engine, Shared(settings)),
            parsing=settings.parsing,
            limits=WorkerLimits.choose(settings.jobs),
        )
        report = run_job(plan_job(parts, request), on_progress)
        return {**report, "seconds": round(time.monotonic() - started, 1)}

    def list_dead_letters(self, *, run: str) -> list[dict[str, Any]]:
        """Return the dead letters of a run; an empty `run` takes the collection's last one."""
        settings = self._settings
        store = open_store(settings.store, s3=settings.s3)
        return list_dead_letters(Collection(store, settings.collection), run=run)


def _find_snapshot(settings: Settings, name: str) -> str:
    return resolve(Collection(open_store(settings.store, s3=settings.s3), settings.collection), name)


def _open_engine(settings: Shared[Settings], snapshot: str) -> SearchEngine:
    return LocalIndexService(settings()).open_engine(snapshot=snapshot)


def describe_collection(settings: Settings) -> CollectionSpec:
    """Return the spec that these settings make."""
    identity = describe_embedder(settings.embedder)
    config = ChunkerConfig(
        max_tokens=identity.max_tokens,
        target_tokens=settings.chunker.target_tokens,
        overlap_tokens=settings.chunker.overlap_tokens,
    )
    chunker = make_chunker_identity(config, tokenizer=digest_file(find_tokenizer(settings.embedder)))
    return CollectionSpec(name=settings.collection, embedder=identity.model, chunker=chunker)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryJob:
    """What is delivered, before it is known what of it is new.

    Attributes:
        source: opens what is read.
        delivery: how its rows come in.
        embedder: what computes the vectors, or has computed them.
        mapping_digest: of all that makes documents of records.
        only_faulty: whether parts with dead letters are read again, too.
    """

    spec: CollectionSpec
    source: SourceFactory
    delivery: Delivery
    embedder: EmbedderIdentity
    mapping_digest: str
    only_faulty: bool = False


def _deliver(
    job: DeliveryJob, settings: Settings, request: IngestRequest | ImportRequest, on_progress: OnProgress
) -> dict[str, Any]:
    """Plan what is new, run it, publish it, and return the report."""
    spec, store = job.spec, open_store(settings.store, s3=settings.s3)
    source = job.source(settings)
    base = find_base(store, spec.name, request.alias)
    seen = base.find_position(source)
    if job.only_faulty:
        seen = forget_parts(
            seen, find_faulty_parts(list_dead_letters(Collection(store, spec.name)), source.name)
        )
    reading = source.plan(seen)
    put_collection(store, spec)
    known = RunInput(
        spec=spec,
        embedder=job.embedder,
        mapping_digest=job.mapping_digest,
        source=source.name,
        parent=base.snapshot,
        reading=reading,
        position=source.position_after(reading),
        n_held=base.n_rows,
    )
    sizes = _choose_sizes(settings.jobs, settings.index)
    plan = begin_run(store, known, sizes=sizes, is_resumed=request.is_resumed)
    run = Run(
        plan=plan,
        spec=spec,
        store=store,
        source=job.source,
        settings=Shared(settings),
        delivery=job.delivery,
        move=find_move(source, base, plan),
        limits=WorkerLimits.choose(settings.jobs),
        on_progress=follow_stages(plan, collection=spec.name, on_progress=on_progress),
    )
    target = PublishTarget(alias=request.alias, before=base.positions, address=request.address)
    report = carry_out_run(run, target, source=source.uri)
    return report | ({"passed_over": dict(reading.passed_over)} if reading.passed_over else {})


def _deliver_vectors(opened: OpenedImport, embedder: EmbedderSettings) -> VectorDelivery:
    mapping = opened.decoder.mapping
    texts = find_declared_texts(opened.schema) if mapping is None else list_declared_texts(mapping)
    return VectorDelivery(
        rows=DecoderFactory(decoder=opened.decoder),
        texts=texts,
        identity=opened.identity,
        embedder=embedder,
    )


def begin_run(store: Store, known: RunInput, *, sizes: RunSizes, is_resumed: bool) -> RunPlan:
    """Return the run's plan, begun: that of an earlier try of the same input, if there was one."""
    now = time.time_ns() // 1000
    plan = plan_run(known, sizes=sizes, started_at=now)
    ledger = Ledger(store, collection=known.spec.name, run_id=plan.run_id)
    if not is_resumed:
        ledger.clear()
    standing = ledger.begin({"started_at": now, "source": known.source, "parent": known.parent})
    return plan_run(known, sizes=sizes, started_at=standing["started_at"])


def _choose_sizes(jobs: JobSettings, index: IndexSettings) -> RunSizes:
    return RunSizes(
        partition_bytes=jobs.partition_bytes,
        shard_bytes=jobs.shard_bytes,
        max_segment_rows=jobs.max_segment_rows,
        worker_memory_bytes=jobs.worker_memory_bytes,
        index=IndexRules(
            kind=IndexKind(index.kind),
            min_rows=index.min_rows,
            n_lists=index.n_lists,
            balance=index.balance,
            max_drift=index.max_drift,
            device=index.device,
        ),
    )
