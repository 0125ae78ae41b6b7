"""A delivery, from what its source has that is new to the alias that shows it: planned, run, published.

What is logged of it is in `run_notes`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from eagleray.contracts.audits import RelabellingRequest
from eagleray.contracts.collections import Collection
from eagleray.contracts.exchange import ImportRequest
from eagleray.contracts.manifests import CollectionSpec, EmbedderIdentity, SnapshotManifest
from eagleray.contracts.ports import Store
from eagleray.contracts.services import AuditService, IngestRequest, OnProgress
from eagleray.contracts.sources import Position, Source, StreamMove
from eagleray.documents.mapping_matches import list_mapped_fields
from eagleray.errors import ConflictError, SourceError
from eagleray.logs import get_logger
from indexes.gating import SnapshotGate
from indexes.job_publication import publish_made
from indexes.runs.dead_letters import list_dead_letters
from indexes.runs.unread import read_record
from indexes.snapshots.aliases import read_alias
from indexes.snapshots.catalog import load_snapshot, put_collection
from indexes.snapshots.positions import (
    Mappings,
    Positions,
    forget_parts,
    read_mappings,
    read_positions,
    write_positions,
)
from indexes.snapshots.streams import read_stream_position
from ray_jobs.clusters import connected
from ray_jobs.dead_letters import find_faulty_parts
from ray_jobs.deliveries import Delivery
from ray_jobs.execution import WorkerLimits
from ray_jobs.ledger import Ledger
from ray_jobs.pipeline import execute
from ray_jobs.plans.remapping import describe_remapping
from ray_jobs.plans.runs import RunInput, RunPlan, RunSizes, plan_run
from ray_jobs.reading_watch import ReadingWatch
from ray_jobs.relabelling_run import (
    check_relabelling,
    describe_end,
    describe_relabelled,
    find_user,
    keep_left,
)
from ray_jobs.run_notes import follow_stages, logged_run, noting_end, noting_last_run
from ray_jobs.runs import Run, RunOutcome
from ray_jobs.source_reading import ReadSource

_log = get_logger()

_UNCHANGED: Final = {
    False: "nothing changed: the collection already holds all of it",
    True: "nothing was relabelled: no version there is would have other attributes, title or groups; those "
    "that an ordinary run with this mapping superseded stay as they are, until eagleray snapshots rollback "
    "undoes that run",
}
"""Message of a run that made no snapshot, by whether it relabels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobParts:
    """What a job is done with, whatever it does.

    Attributes:
        store: where the collection lies.
        gate: that what is made has to pass.
        sizes: how work is cut.
        limits: of the workers.
        options: of a command, that name the collection.
    """

    store: Store
    gate: SnapshotGate
    sizes: RunSizes
    limits: WorkerLimits
    options: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryJob:
    """What is delivered, before it is known what of it is new.

    Attributes:
        open_source: opens what is read, here and in workers; survives pickling and holds no secret.
        delivery: how its rows come in.
        embedder: what computes the vectors, or has computed them.
        mapping_digest: of all that makes documents of records.
        only_faulty: whether parts with dead letters are read again, too.
        allowed: share of files, and of records, that may be refused; `None` where any number may.
        relabels: whether versions there are get new labels, and none is added or ended.
        opens_documents: whether a mapping other than before may open documents to more callers.
    """

    parts: JobParts
    spec: CollectionSpec
    open_source: Callable[[], Source[Any, Any]]
    delivery: Delivery
    embedder: EmbedderIdentity
    mapping_digest: str
    only_faulty: bool = False
    allowed: float | None = None
    relabels: bool = False
    opens_documents: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBase:
    """What a run builds on: the snapshot of an alias, if there is one, and what is kept with it."""

    manifest: SnapshotManifest | None
    positions: Positions
    mappings: Mappings = field(default_factory=dict)

    @property
    def snapshot(self) -> str | None:
        """Its id."""
        return self.manifest.snapshot_id if self.manifest else None

    @property
    def n_rows(self) -> int:
        """Rows in its segments."""
        return self.manifest.n_rows if self.manifest else 0

    @property
    def n_documents(self) -> int:
        """Documents open in it."""
        return self.manifest.n_documents if self.manifest else 0

    def find_position(self, source: Source[Any, Any]) -> Position:
        """Return how far the snapshot holds a source."""
        if source.is_stream:
            return read_stream_position(self.manifest, source.name)
        return self.positions.get(source.name, {})


def deliver(
    job: DeliveryJob, request: IngestRequest | ImportRequest, on_progress: OnProgress
) -> dict[str, Any]:
    """Plan what is new, run the stages if anything is to be done, publish, and return the report.

    Raises:
        SourceError: nothing could be read and there is nothing to build on.
        GateError: the snapshot did not pass; it stays unpublished.
        ConflictError: others published documents of the run, or read its source, meanwhile.
        StreamMovedError: another writer moved the stream that was read.
        StrictRunError: more was refused than is allowed, or a field of the mapping matched nothing.
    """
    source = job.open_source()
    base = find_base(Collection(job.parts.store, job.spec.name), request.alias)
    recalled: frozenset[str] = frozenset()
    while True:  # a part is recalled once
        found = _deliver_once(job, request, on_progress, source=source, base=base, recalled=recalled)
        if not isinstance(found, frozenset):
            return found
        recalled |= found


def relabel(
    job: DeliveryJob, request: IngestRequest, on_progress: OnProgress, *, audit: AuditService
) -> dict[str, Any]:
    """Run a relabelling, with a record of its beginning and of its end in the audit log; return the report.

    Raises:
        AuditError: it cannot be recorded.
        EagleRayError: as of `deliver`.
    """
    base = find_base(Collection(job.parts.store, job.spec.name), request.alias)
    check_relabelling(job.open_source(), base.manifest, alias=request.alias)
    asked = RelabellingRequest(
        subject=find_user(),
        source=request.source,
        mapping=job.mapping_digest,
        alias=request.alias,
    )
    with audit.recording(asked) as end:
        report = deliver(job, request, on_progress)
        end(describe_end(report))
    return report


def _deliver_once(
    job: DeliveryJob,
    request: IngestRequest | ImportRequest,
    on_progress: OnProgress,
    *,
    source: Source[Any, Any],
    base: RunBase,
    recalled: frozenset[str],
) -> dict[str, Any] | frozenset[str]:
    """Return the report of a run, or what has to be read as well: then nothing was made."""
    collection = Collection(job.parts.store, job.spec.name)
    known = _plan_reading(job, source, base, recalled=recalled)
    plan = begin_run(job.parts.store, known, sizes=job.parts.sizes, is_resumed=request.is_resumed)
    watch = ReadingWatch(
        collection, describe_reading(job, source, base, known), run=plan.run_id, allowed=job.allowed
    )
    run = Run(
        plan=plan,
        spec=job.spec,
        store=collection.store,
        open_source=job.open_source,
        delivery=job.delivery,
        move=find_move(source, base, plan),
        limits=job.parts.limits,
        on_progress=follow_stages(plan, collection=collection.name, on_progress=on_progress),
        on_read=watch.look,
        relabels=job.relabels,
        recalled=recalled,
        opens_documents=job.opens_documents,
    )
    outcome = RunOutcome(manifest=None, counts={})
    with logged_run(plan, collection=collection.name) as end, noting_end(run.ledger) as note:
        if plan.unchanged or (not job.relabels and (plan.splits or plan.gone)):
            outcome = _execute(job, run, source=source.uri, address=request.address)
        if outcome.unread:
            return outcome.unread
        watch.check()
        if run.relabels:
            run = keep_left(run, outcome, base.find_position(source))
        report = publish_run(run, outcome, base, alias=request.alias, gate=job.parts.gate)
        end(report)
        note(report)
    told = watch.show()
    return report | told | {"warnings": [*told["warnings"], *_warn_of_mapping(run, outcome)]}


def _execute(job: DeliveryJob, run: Run, *, source: str, address: str) -> RunOutcome:
    limits = job.parts.limits
    with noting_last_run(run.ledger), connected(address, n_cpus=limits.n_workers):
        outcome = execute(run)
        if not outcome.unread:
            _check_anything(outcome, run.plan, source=source, options=job.parts.options)
    return outcome


def _warn_of_mapping(run: Run, outcome: RunOutcome) -> list[dict[str, str]]:
    message = describe_remapping(run.plan, outcome.counts)
    return [{"kind": "superseded_by_mapping", "message": message}] if message else []


def find_base(collection: Collection, alias: str) -> RunBase:
    """Return what a run builds on that publishes to an alias; an empty one stands for `live`."""
    entry = read_alias(collection, alias or "live")
    parent = entry.snapshot if entry else None
    manifest = load_snapshot(collection, parent) if parent else None
    return RunBase(
        manifest=manifest,
        positions=read_positions(collection, parent),
        mappings=read_mappings(collection, parent),
    )


def _plan_reading(
    job: DeliveryJob, source: Source[Any, Any], base: RunBase, *, recalled: frozenset[str]
) -> RunInput:
    """Return what is to be read of a source, and all else that decides what the run makes."""
    collection = Collection(job.parts.store, job.spec.name)
    seen = forget_parts(base.find_position(source), recalled)
    if job.only_faulty:
        seen = forget_parts(seen, _find_faulty(collection, source.name))
    reading = source.plan(seen)
    put_collection(collection.store, job.spec)
    return RunInput(
        spec=job.spec,
        embedder=job.embedder,
        mapping_digest=job.mapping_digest,
        source=source.name,
        parent=base.snapshot,
        reading=reading,
        position=source.position_after(reading),
        n_held=base.n_rows,
        n_documents=base.n_documents,
        relabels=job.relabels,
        is_remapped=base.mappings.get(source.name, job.mapping_digest) != job.mapping_digest
        or (source.name not in base.mappings and bool(reading.unchanged)),
    )


def _find_faulty(collection: Collection, source: str) -> frozenset[str]:
    """Return the parts of a source with dead letters; of an older collection, those of its last run."""
    record = read_record(collection, source)
    if record is None:
        return find_faulty_parts(list_dead_letters(collection), source)
    return frozenset(record.unread)


def describe_reading(
    job: DeliveryJob, source: Source[Any, Any], base: RunBase, known: RunInput
) -> ReadSource:
    """Return what a report needs to know of a source beside what is read of it."""
    mapping = job.delivery.mapping
    return ReadSource(
        name=source.name,
        is_stream=source.is_stream,
        before=base.find_position(source),
        after=known.position,
        passed_over=known.reading.passed_over,
        mapping=job.mapping_digest,
        fields=() if mapping is None else list_mapped_fields(mapping),
    )


def begin_run(store: Store, known: RunInput, *, sizes: RunSizes, is_resumed: bool) -> RunPlan:
    """Return the run's plan, begun: that of an earlier try of the same input, if there was one."""
    now = time.time_ns() // 1000
    plan = plan_run(known, sizes=sizes, started_at=now)
    ledger = Ledger(Collection(store, known.spec.name), run_id=plan.run_id)
    if not is_resumed:
        ledger.clear()
    standing = ledger.begin({"started_at": now, "source": known.source, "parent": known.parent})
    return plan_run(known, sizes=sizes, started_at=standing["started_at"])


def find_move(source: Source[Any, Any], base: RunBase, plan: RunPlan) -> StreamMove | None:
    """Return how a run moves its source; `None` where that is no stream."""
    if not source.is_stream:
        return None
    return StreamMove(stream=source.name, expected=base.find_position(source), position=plan.position)


def publish_run(
    run: Run, outcome: RunOutcome, base: RunBase, *, alias: str, gate: SnapshotGate
) -> dict[str, Any]:
    """Publish what a run made, keep its positions, and return its report.

    Args:
        run: whose stages are done.
        outcome: what they made.
        base: what the run builds on.
        alias: that moves; empty leaves the snapshot unpublished.
        gate: that the snapshot has to pass.

    Raises:
        GateError: the snapshot did not pass; it stays unpublished.
        ConflictError: others published documents of the run, or read its source, meanwhile.
        StreamMovedError: another writer moved the stream that was read.
    """
    snapshot = outcome.manifest.snapshot_id if outcome.manifest else run.plan.parent
    report: dict[str, Any] = {"run": run.plan.run_id, "changed": outcome.manifest is not None}
    report |= describe_relabelled(outcome) if run.relabels else outcome.counts
    keep_notes = partial(keep_positions, run, base.positions, alias)
    if outcome.manifest is not None and alias:
        moved = publish_made(
            gate,
            run.store,
            made=outcome.manifest,
            alias=alias,
            reason=f"{'relabel' if run.relabels else 'publish'} {run.plan.run_id}",
            keep_notes=keep_notes,
        )
        snapshot, report["published"] = moved.snapshot, moved.sequence
    elif snapshot is not None:
        keep_notes(run.plan.parent, snapshot)
    if outcome.manifest is None:
        report["message"] = _UNCHANGED[run.relabels]
    return {**report, "snapshot": snapshot}


def keep_positions(run: Run, before: Positions, alias: str, onto: str | None, snapshot: str) -> None:
    """Keep with a snapshot how far its sources were read, and by which mapping.

    The position of a stream is in its manifest.

    Raises:
        ConflictError: another run of the same source came between.
    """
    source, collection = run.plan.source, Collection(run.store, run.spec.name)
    standing = before if onto == run.plan.parent else read_positions(collection, onto)
    mappings = read_mappings(collection, onto)
    if run.plan.mapping_digest:
        mappings[source] = run.plan.mapping_digest
    if run.move is not None:
        write_positions(collection, snapshot, positions=standing, mappings=mappings)
        return
    if standing.get(source) != before.get(source):
        raise ConflictError(alias=alias, expected=f"{source} as this run found it", found="another run of it")
    positions = {**standing, source: dict(run.plan.position)}
    write_positions(collection, snapshot, positions=positions, mappings=mappings)


def _check_anything(outcome: RunOutcome, plan: RunPlan, *, source: str, options: str) -> None:
    """Refuse a first run of which nothing came.

    Raises:
        SourceError: nothing could be read and there is nothing to build on.
    """
    if outcome.manifest is None and plan.parent is None:
        n = outcome.counts["dead_letters"]
        detail = f"no document could be read; {n} records were set aside"
        raise SourceError(source=source, detail=f"{detail}: eagleray dead-letters list {options}")
