"""A delivery, from what its source has that is new to the alias that shows it: planned, run, published.

It logs its beginning, stages, dead letters and end: names and counts, never text.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from eagleray.contracts.collections import Collection
from eagleray.contracts.exchange import ImportRequest
from eagleray.contracts.manifests import CollectionSpec, EmbedderIdentity, SnapshotManifest
from eagleray.contracts.ports import Store
from eagleray.contracts.services import IngestRequest, OnProgress
from eagleray.contracts.sources import Position, Source, StreamMove
from eagleray.documents.mapping_matches import list_mapped_fields
from eagleray.errors import ConflictError, SourceError, StoreError
from eagleray.logs import get_logger
from indexes.gating import SnapshotGate
from indexes.job_publication import publish_made
from indexes.runs.dead_letters import list_dead_letters
from indexes.runs.unread import read_record
from indexes.snapshots.aliases import read_alias
from indexes.snapshots.catalog import load_snapshot, put_collection
from indexes.snapshots.positions import Positions, forget_parts, read_positions, write_positions
from indexes.snapshots.streams import read_stream_position
from ray_jobs.clusters import connected
from ray_jobs.dead_letters import find_faulty_parts, write_last_run
from ray_jobs.deliveries import Delivery
from ray_jobs.execution import WorkerLimits
from ray_jobs.ledger import Ledger
from ray_jobs.pipeline import Run, RunOutcome, execute
from ray_jobs.plans.runs import RunInput, RunPlan, RunSizes, plan_run
from ray_jobs.reading_watch import ReadingWatch
from ray_jobs.source_reading import ReadSource

_log = get_logger()


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
    """

    parts: JobParts
    spec: CollectionSpec
    open_source: Callable[[], Source[Any, Any]]
    delivery: Delivery
    embedder: EmbedderIdentity
    mapping_digest: str
    only_faulty: bool = False
    allowed: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBase:
    """What a run builds on: the snapshot of an alias, if there is one, and what is kept with it."""

    manifest: SnapshotManifest | None
    positions: Positions

    @property
    def snapshot(self) -> str | None:
        """Its id."""
        return self.manifest.snapshot_id if self.manifest else None

    @property
    def n_rows(self) -> int:
        """Rows in its segments."""
        return self.manifest.n_rows if self.manifest else 0

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
    parts, source = job.parts, job.open_source()
    collection = Collection(parts.store, job.spec.name)
    base = find_base(collection, request.alias)
    known = _plan_reading(job, source, base)
    plan = begin_run(parts.store, known, sizes=parts.sizes, is_resumed=request.is_resumed)
    watch = ReadingWatch(
        collection, describe_reading(job, source, base, known), run=plan.run_id, allowed=job.allowed
    )
    run = Run(
        plan=plan,
        spec=job.spec,
        store=parts.store,
        open_source=job.open_source,
        delivery=job.delivery,
        move=find_move(source, base, plan),
        limits=parts.limits,
        on_progress=_follow_stages(plan, collection=job.spec.name, on_progress=on_progress),
        on_read=watch.look,
    )
    outcome = RunOutcome(manifest=None, counts={})
    with _logged_run(plan, collection=job.spec.name) as end, _noting_end(run.ledger):
        if plan.splits or plan.gone:
            with _noting_last_run(run.ledger), connected(request.address, n_cpus=parts.limits.n_workers):
                outcome = execute(run)
                _check_anything(outcome, plan, source=source.uri, options=parts.options)
        watch.check()
        report = publish_run(run, outcome, base, alias=request.alias, gate=parts.gate)
        end(report)
    return report | watch.show()


def find_base(collection: Collection, alias: str) -> RunBase:
    """Return what a run builds on that publishes to an alias; an empty one stands for `live`."""
    entry = read_alias(collection, alias or "live")
    parent = entry.snapshot if entry else None
    manifest = load_snapshot(collection, parent) if parent else None
    return RunBase(manifest=manifest, positions=read_positions(collection, parent))


def _plan_reading(job: DeliveryJob, source: Source[Any, Any], base: RunBase) -> RunInput:
    """Return what is to be read of a source, and all else that decides what the run makes."""
    collection = Collection(job.parts.store, job.spec.name)
    seen = base.find_position(source)
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
    report |= outcome.counts
    keep_notes = partial(keep_positions, run, base.positions, alias)
    if outcome.manifest is not None and alias:
        moved = publish_made(
            gate,
            run.store,
            made=outcome.manifest,
            alias=alias,
            reason=f"publish {run.plan.run_id}",
            keep_notes=keep_notes,
        )
        snapshot, report["published"] = moved.snapshot, moved.sequence
    elif snapshot is not None:
        keep_notes(run.plan.parent, snapshot)
    if outcome.manifest is None:
        report["message"] = "nothing changed: the collection already holds all of it"
    return {**report, "snapshot": snapshot}


def keep_positions(run: Run, before: Positions, alias: str, onto: str | None, snapshot: str) -> None:
    """Keep with a snapshot how far its sources were read; the position of a stream is in its manifest.

    Raises:
        ConflictError: another run of the same source came between.
    """
    source, collection = run.plan.source, run.spec.name
    standing = before if onto == run.plan.parent else read_positions(Collection(run.store, collection), onto)
    if run.move is not None:
        write_positions(Collection(run.store, collection), snapshot, positions=standing)
        return
    if standing.get(source) != before.get(source):
        raise ConflictError(alias=alias, expected=f"{source} as this run found it", found="another run of it")
    positions = {**standing, source: dict(run.plan.position)}
    write_positions(Collection(run.store, collection), snapshot, positions=positions)


def _check_anything(outcome: RunOutcome, plan: RunPlan, *, source: str, options: str) -> None:
    """Refuse a first run of which nothing came.

    Raises:
        SourceError: nothing could be read and there is nothing to build on.
    """
    if outcome.manifest is None and plan.parent is None:
        n = outcome.counts["dead_letters"]
        detail = f"no document could be read; {n} records were set aside"
        raise SourceError(source=source, detail=f"{detail}: eagleray dead-letters list {options}")


@contextmanager
def _logged_run(plan: RunPlan, *, collection: str) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Log the beginning and the end of a block that runs a plan; yield what takes its report."""
    log = _log.bind(collection=collection, run_id=plan.run_id)
    log.info("run_begun", source=plan.source, n_files=len(plan.whole), n_gone=len(plan.gone))
    started = time.monotonic()

    def end(report: dict[str, Any]) -> None:
        if report.get("dead_letters"):
            log.info("dead_letters", n_dead_letters=report["dead_letters"])
        elapsed_s = round(time.monotonic() - started, 3)
        log.info("run_ended", snapshot=report["snapshot"], changed=report["changed"], elapsed_s=elapsed_s)

    try:
        yield end
    except Exception as error:
        # What catches the error shows it; its message may quote the input.
        log.info("run_failed", error=type(error).__name__, elapsed_s=round(time.monotonic() - started, 3))
        raise


def _follow_stages(plan: RunPlan, *, collection: str, on_progress: OnProgress) -> OnProgress:
    """Return a callback that passes progress on and logs each stage that finishes."""
    log = _log.bind(collection=collection, run_id=plan.run_id)
    started = time.monotonic()

    def report(stage: str, done: int, total: int) -> None:
        nonlocal started
        on_progress(stage, done, total)
        if done == total:
            elapsed_s = round(time.monotonic() - started, 3)
            log.info("stage_finished", stage=str(stage), n_shards=total, elapsed_s=elapsed_s)
            started = time.monotonic()

    return report


@contextmanager
def _noting_end(ledger: Ledger) -> Iterator[None]:
    """Note at the end of a block how the run ended."""
    try:
        yield
    except BaseException as error:
        with suppress(StoreError):  # what ended the run is told, not what followed from it
            ledger.end(error=type(error).__name__, now=time.time_ns() // 1000)
        raise
    ledger.end(error="", now=time.time_ns() // 1000)


@contextmanager
def _noting_last_run(ledger: Ledger) -> Iterator[None]:
    """Note the run as the last one at the end of a block, however it ends."""
    try:
        yield
    except BaseException:
        with suppress(StoreError):  # what ended the run is told, not what followed from it
            write_last_run(ledger.collection, ledger.run_id)
        raise
    write_last_run(ledger.collection, ledger.run_id)
