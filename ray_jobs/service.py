"""The jobs as the command line calls them: from settings and a request to a report."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from eagleray.chunking.config import ChunkerConfig, make_chunker_identity
from eagleray.contracts.collections import Collection
from eagleray.contracts.exchange import ImportRequest
from eagleray.contracts.manifests import CollectionSpec
from eagleray.contracts.ports import SearchEngine, Store
from eagleray.contracts.services import (
    AnswerRequest,
    CalibrateRequest,
    IngestRequest,
    OnProgress,
    TuneRequest,
)
from eagleray.contracts.sources import Source, SourceFactory, SourceRequest
from eagleray.digests import digest_file
from eagleray.documents.enrichment import EnricherSpec, describe_enrichers, digest_preparation
from eagleray.documents.mapping import DEFAULT_MAPPING, load_mapping
from eagleray.documents.mapping import Mapping as FieldMapping
from eagleray.documents.sidecar import check_values, find_sidecar, read_sidecar
from eagleray.embedders import describe_embedder, find_tokenizer, open_embedder, settle_backend
from eagleray.embedders.remembering import RememberingEmbedder
from eagleray.errors import InputError
from eagleray.extensions import import_extension
from eagleray.parts import AUDIT
from eagleray.setting_groups.engine import ChunkerSettings, EmbedderSettings
from eagleray.settings import Settings
from indexes.built_embedder import recall_embedder
from indexes.engine_factory import make_engine_factory
from indexes.exchange.imported_rows import find_declared_texts
from indexes.gating import SnapshotGate
from indexes.job_publication import publish_fitted, publish_made
from indexes.runs.dead_letters import list_dead_letters
from indexes.searching.searcher import Searcher
from indexes.service import LocalIndexService
from indexes.snapshots.catalog import load_snapshot, resolve
from indexes.snapshots.opened import OpenSnapshot
from indexes.snapshots.positions import copy_positions
from indexes.storage import open_store
from indexes.writing.document_chunker import ChunkerFactory
from ray_jobs.answer_job import AnswerParts, plan_job, run_job
from ray_jobs.calibration_job import CalibratedSnapshot, calibrate_snapshot, check_calibration
from ray_jobs.clusters import connected
from ray_jobs.compaction import Compaction, compact_snapshot, plan_snapshot
from ray_jobs.deliveries import DecoderFactory, DocumentDelivery, VectorDelivery, list_declared_texts
from ray_jobs.delivery_run import DeliveryJob, JobParts, deliver, find_base, relabel
from ray_jobs.dry_run import DryRun, try_source
from ray_jobs.execution import Shared, WorkerLimits
from ray_jobs.plans.runs import RunSizes
from ray_jobs.relabelling_run import check_relabelling
from ray_jobs.sources.files.source import make_file_factory
from ray_jobs.sources.questions import open_questions
from ray_jobs.sources.vectors.imports import OpenedImport, open_import
from ray_jobs.tuning import Tuning, check_request, tune_snapshot

MakeFactory = Callable[[SourceRequest], SourceFactory]
"""Names in what it returns all that a worker needs to open the source; refuses what can be told at once."""

SOURCES: Final[dict[str, MakeFactory]] = {
    "": make_file_factory,
    "file": make_file_factory,
    "s3": make_file_factory,
}
"""Scheme of a URI, empty for a path -> what makes its factory; settings name more beside these."""

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*")
"""Source: RFC 3986, section 3.1; in lower case, since schemes of either case are the same."""


class RayJobService:
    """Ingests on the job's cluster, on the one named, or on a local one."""

    def __init__(self, settings: Settings) -> None:
        self._given = settings

    @cached_property
    def _settings(self) -> Settings:
        """The settings; a collection that is there is embedded as it was built, unless they say how."""
        return recall_embedder(self._given)

    def ingest(self, request: IngestRequest, on_progress: OnProgress) -> dict[str, Any]:
        """Run a delivery from source to alias and return its report.

        Raises:
            InputError: the request, the source or the mapping cannot be used as they are.
            StrictRunError: more was refused than is allowed, or a field of the mapping matched nothing.
            ConflictError: somebody else published meanwhile.
            GateError: the snapshot did not pass; it stays unpublished.
            StoreError: the store failed; run it again.
        """
        settings, started = self._settings, time.monotonic()
        mapping = load_mapping(Path(request.mapping)) if request.mapping else DEFAULT_MAPPING
        enrichers = describe_enrichers(settings.jobs.enrichers.split())
        asked = self._describe_source(request, mapping, enrichers)
        factory = find_source(asked, list_sources(settings.jobs.sources.split()))
        open_source = partial(_open_source, factory, Shared(settings))
        if request.is_dry:
            report = try_source(self._plan_dry_run(request, open_source, mapping), on_progress)
        else:
            job = self._plan_ingest(request, open_source, mapping, enrichers)
            report = (
                relabel(job, request, on_progress, audit=AUDIT.load(settings))
                if request.relabels
                else deliver(job, request, on_progress)
            )
        return {**report, "seconds": round(time.monotonic() - started, 1)}

    def _plan_dry_run(
        self, request: IngestRequest, open_source: Callable[[], Source[Any, Any]], mapping: FieldMapping
    ) -> DryRun:
        settings, source = self._settings, open_source()
        base = find_base(Collection(self._open_store(settings.store), settings.collection), request.alias)
        if request.relabels:
            check_relabelling(source, base.manifest, alias=request.alias)
        return DryRun(
            open_source=open_source,
            mapping=mapping,
            limits=WorkerLimits.choose(settings.jobs),
            address=request.address,
            allowed=request.allowed,
            position=base.find_position(source),
            relabels=request.relabels,
        )

    def _describe_source(
        self, request: IngestRequest, mapping: FieldMapping, enrichers: tuple[EnricherSpec, ...]
    ) -> SourceRequest:
        settings, sidecar = self._settings, find_sidecar(mapping)
        if sidecar is not None:
            check_values(mapping, sidecar, read_sidecar(sidecar).values())
        own = (self._open_store(settings.store).url, settings.cache, settings.audit.store, mapping.sidecar)
        return SourceRequest(
            uri=request.source,
            mapping_digest=digest_preparation(mapping.digest, enrichers),
            name=request.source_name,
            own=tuple(url for url in own if url),
            sidecar=sidecar,
        )

    def _plan_ingest(
        self,
        request: IngestRequest,
        open_source: Callable[[], Source[Any, Any]],
        mapping: FieldMapping,
        enrichers: tuple[EnricherSpec, ...],
    ) -> DeliveryJob:
        settings = self._settings
        embedder = settle_backend(settings.embedder, cache=settings.cache_folder)
        spec = describe_collection(settings.collection, embedder=embedder, chunker=settings.chunker)
        chunker = ChunkerFactory(spec=spec, embedder=embedder)
        return DeliveryJob(
            parts=self._open_parts(),
            spec=spec,
            open_source=open_source,
            delivery=DocumentDelivery(mapping=mapping, chunker=chunker, enrichers=enrichers),
            embedder=describe_embedder(embedder),
            mapping_digest=digest_preparation(mapping.digest, enrichers),
            only_faulty=request.only_dead_letters,
            allowed=request.allowed,
            relabels=request.relabels,
            opens_documents=request.opens_documents,
        )

    def import_rows(self, request: ImportRequest, on_progress: OnProgress) -> dict[str, Any]:
        """Take rows with their vectors into the collection, publish them, and return the report.

        Raises:
            InputError: request, rows or mapping cannot be used, or the vectors are not the model's.
            ConflictError: somebody else published meanwhile.
            GateError: the snapshot did not pass; it stays unpublished.
            StoreError: the store failed; run it again.
        """
        settings, started = self._settings, time.monotonic()
        embedder = settings.embedder.model_copy(update={"model": request.model})
        spec = describe_collection(settings.collection, embedder=embedder, chunker=settings.chunker)
        opened = open_import(request, spec, s3=settings.s3, parsing=settings.parsing, embedder=embedder)
        job = DeliveryJob(
            parts=self._open_parts(),
            spec=spec,
            open_source=partial(_open_source, opened.factory, Shared(settings)),
            delivery=_deliver_vectors(opened, embedder),
            embedder=opened.identity,
            mapping_digest=opened.mapping_digest,
            opens_documents=request.opens_documents,
        )
        report = deliver(job, request, on_progress)
        rows = {"rows_read": report.pop("documents_read"), "rows_compared": opened.n_compared}
        return {**report, **rows, "seconds": round(time.monotonic() - started, 1)}

    def compact(self, *, alias: str, address: str, on_progress: OnProgress) -> dict[str, Any]:
        """Join the small segments of an alias's snapshot, and publish the result.

        Raises:
            NotPublishedError: there is no such alias.
            ConflictError: somebody else published meanwhile; run it again.
            GateError: the new snapshot did not pass; it stays unpublished.
        """
        parts = self._open_parts()
        collection = Collection(parts.store, self._settings.collection)
        snapshot = resolve(collection, alias)
        before = load_snapshot(collection, snapshot)
        plans = plan_snapshot(parts.store, before, sizes=parts.sizes)
        report: dict[str, Any] = {"snapshot": snapshot, "changed": bool(plans), "joined": 0, "made": 0}
        if not plans:
            return {**report, "message": "no two segments are small enough to become one"}
        with connected(address, n_cpus=parts.limits.n_workers):
            by = Compaction(
                sizes=parts.sizes, limits=parts.limits, cache=parts.gate.cache, on_progress=on_progress
            )
            manifest = compact_snapshot(parts.store, before, plans, by=by)

        def copy_notes(onto: str | None, made: str) -> None:
            copy_positions(collection, str(onto), made)

        moved = publish_made(
            parts.gate, parts.store, made=manifest, alias=alias, reason="compact", keep_notes=copy_notes
        )
        joined = sum(len(plan.digests) for plan in plans)
        n_segments = len(load_snapshot(collection, moved.snapshot).segments)
        report |= {"snapshot": moved.snapshot, "joined": joined, "made": len(plans)}
        return {**report, "segments": n_segments, "published": moved.sequence}

    def tune(self, request: TuneRequest) -> dict[str, Any]:
        """Fit the weights of hybrid search to questions, and publish them where they help.

        Raises:
            InputError: the questions cannot be used, or too few can be made.
            ConflictError: somebody else published meanwhile; run it again.
            GateError: the new snapshot did not pass; it stays unpublished.
        """
        check_request(request)
        made = tune_snapshot(*self._open_tried(request.alias), request)
        return self._publish(made, alias=request.alias, reason="tune")

    def calibrate(self, request: CalibrateRequest) -> dict[str, Any]:
        """Learn from the collection's rows which answers are relevant, and publish it; raises as `tune`."""
        check_calibration(request)
        made = calibrate_snapshot(*self._open_tried(request.alias), request)
        return self._publish(made, alias=request.alias, reason="calibrate")

    def answer(self, request: AnswerRequest, on_progress: OnProgress) -> dict[str, Any]:
        """Answer files of questions into a folder of answers, and return the report.

        Raises:
            InputError: the request, the questions or the target cannot be used as they are.
            NotPublishedError: there is no such snapshot.
            StoreError: a store failed; run it again.
        """
        settings, started = self._settings, time.monotonic()
        collection = Collection(self._open_store(settings.store), settings.collection)
        parts = AnswerParts(
            collection=settings.collection,
            embedder=open_embedder(settings.embedder).identity,
            list_questions=partial(open_questions, request.questions, open_store=self._open_store),
            target=self._open_store(request.target),
            find_snapshot=partial(resolve, collection, request.snapshot),
            open_engine=partial(_open_engine, Shared(settings)),
            parsing=settings.parsing,
            limits=WorkerLimits.choose(settings.jobs),
        )
        report = run_job(plan_job(parts, request), on_progress)
        return {**report, "seconds": round(time.monotonic() - started, 1)}

    def list_dead_letters(self, *, run: str) -> list[dict[str, Any]]:
        """Return the dead letters of a run; of an empty `run`, what is still unread in the sources."""
        settings = self._settings
        return list_dead_letters(Collection(self._open_store(settings.store), settings.collection), run=run)

    def _open_tried(self, alias: str) -> tuple[OpenSnapshot, Searcher]:
        """Return a snapshot, and what searches it; the same questions are embedded once."""
        engines = make_engine_factory(self._settings)
        opened = engines.open_snapshot(alias)
        embedder = RememberingEmbedder(open_embedder(self._settings.embedder))
        return opened, engines.make_searcher(opened, embedder=embedder)

    def _publish(self, made: Tuning | CalibratedSnapshot, *, alias: str, reason: str) -> dict[str, Any]:
        """Publish what was fitted, if it is to be, and return the report."""
        if made.manifest is None:
            return made.report
        parts = self._open_parts()
        moved = publish_fitted(parts.gate, parts.store, made.manifest, alias=alias, reason=reason)
        return {**made.report, **moved}

    def _open_parts(self) -> JobParts:
        settings = self._settings
        return JobParts(
            store=self._open_store(settings.store),
            gate=SnapshotGate.choose(settings.gate, cache=settings.cache_folder),
            sizes=RunSizes.choose(settings.jobs, settings.index),
            limits=WorkerLimits.choose(settings.jobs),
            options=settings.options,
        )

    def _open_store(self, url: str) -> Store:
        """Return a store that workers open again without a key in what they are sent."""
        return open_store(url, s3=self._settings.s3, shared=Shared(self._settings.s3))


def list_sources(named: Sequence[str]) -> dict[str, MakeFactory]:
    """Return the sources there are, with those that settings name.

    Args:
        named: `scheme=package.module:attribute` each.

    Raises:
        InputError: one is not written so, cannot be imported or called, or has a scheme that is taken.
    """
    setting, sources = "EAGLERAY_JOBS__SOURCES", dict(SOURCES)
    for word in named:
        scheme, _, path = word.partition("=")
        if _SCHEME.fullmatch(scheme) is None or not path:
            detail = f"{setting}: expected scheme=package.module:attribute, the scheme in lower case"
            raise InputError(detail=f"{detail}, found {word!r}")
        if scheme in sources:
            raise InputError(
                detail=f"{setting}: there is a source for {scheme}:// already; choose another scheme"
            )
        make = import_extension(path, setting=setting)
        if not callable(make):
            detail = f"{setting}: expected a function that makes a source's factory of a SourceRequest"
            raise InputError(detail=f"{detail}, found {path!r}, a {type(make).__name__}")
        sources[scheme] = make
    return sources


def find_source(request: SourceRequest, sources: Mapping[str, MakeFactory] = SOURCES) -> SourceFactory:
    """Return what opens the source of a request.

    Args:
        request: names it by its URI.
        sources: scheme -> what makes a factory.

    Raises:
        InputError: no source has such a URI, the URI holds a password, or the source is not there.
    """
    scheme, mark, _ = request.uri.partition("://")
    if mark and _has_password(request.uri):
        detail = f"the {scheme}:// URI of the source holds a password; give it in the settings instead"
        raise InputError(detail=detail)
    make = sources.get(scheme.lower() if mark else "")
    if make is None:
        known = ", ".join(f"{name}://" for name in sources if name)
        detail = f"source {request.uri!r}: expected a folder or one of {known}"
        raise InputError(detail=f"{detail}; EAGLERAY_JOBS__SOURCES names sources of other packages")
    if request.sidecar is not None and mark and scheme.lower() not in SOURCES:
        raise InputError(
            detail=f"a sidecar names files, and a source of {scheme}:// has none; map its fields"
        )
    return make(request)


def _has_password(uri: str) -> bool:
    try:
        return bool(urlsplit(uri).password)
    except ValueError:  # brackets that enclose no address
        return False


def _open_source(factory: SourceFactory, settings: Callable[[], Settings]) -> Source[Any, Any]:
    return factory(settings())


def _open_engine(settings: Callable[[], Settings], snapshot: str) -> SearchEngine:
    return LocalIndexService(settings()).open_engine(snapshot=snapshot)


def describe_collection(name: str, *, embedder: EmbedderSettings, chunker: ChunkerSettings) -> CollectionSpec:
    """Return the spec of a collection that is made with these settings."""
    identity = describe_embedder(embedder)
    config = ChunkerConfig(
        max_tokens=identity.max_tokens,
        target_tokens=chunker.target_tokens,
        overlap_tokens=chunker.overlap_tokens,
    )
    tokens = make_chunker_identity(config, tokenizer=digest_file(find_tokenizer(embedder)))
    return CollectionSpec(name=name, embedder=identity.model, chunker=tokens)


def _deliver_vectors(opened: OpenedImport, embedder: EmbedderSettings) -> VectorDelivery:
    mapping = opened.decoder.mapping
    texts = find_declared_texts(opened.schema) if mapping is None else list_declared_texts(mapping)
    return VectorDelivery(
        rows=DecoderFactory(decoder=opened.decoder),
        texts=texts,
        identity=opened.identity,
        embedder=embedder,
    )
