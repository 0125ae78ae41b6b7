"""A planned run carried out: its stages on a cluster, its snapshot published, and how it ended noted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from eagleray.errors import SourceError, StoreError
from indexes.publishing import publish_made
from indexes.snapshots.positions import Positions
from ray_jobs.clusters import connected
from ray_jobs.dead_letters import write_last_run
from ray_jobs.ledger import Ledger
from ray_jobs.pipeline import Run, RunOutcome, execute
from ray_jobs.run_base import keep_positions
from ray_jobs.run_events import logged_run


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishTarget:
    """Where a run is carried out, and what it moves.

    Attributes:
        alias: that moves; empty leaves the snapshot unpublished.
        before: how far the snapshot it builds on holds each source.
        address: of a Ray cluster; empty starts a local one.
    """

    alias: str
    before: Positions
    address: str


def carry_out_run(run: Run, target: PublishTarget, *, source: str) -> dict[str, Any]:
    """Run the stages, if anything is to be done, publish, and return the report.

    Args:
        run: planned and begun.
        target: where it is carried out and published.
        source: URI of what is read.

    Raises:
        SourceError: nothing could be read and there is nothing to build on.
        GateError: the snapshot did not pass; it stays unpublished.
        ConflictError: others published documents of the run, or read its source, meanwhile.
    """
    outcome = RunOutcome(manifest=None, counts={})
    ledger = run.ledger
    with logged_run(run.plan, collection=run.spec.name) as end, _noting_end(ledger):
        if run.plan.splits or run.plan.gone:
            n_cpus = run.limits.n_workers
            with _noting_last_run(ledger), connected(target.address, n_cpus=n_cpus):
                outcome = execute(run)
                _check_anything(run, outcome, source=source)
        report = publish_run(run, outcome, target)
        end(report)
    return report


def publish_run(run: Run, outcome: RunOutcome, target: PublishTarget) -> dict[str, Any]:
    """Publish what a run made, keep its positions, and return its report.

    Raises:
        GateError: the snapshot did not pass; it stays unpublished.
        ConflictError: others published documents of the run, or read its source, meanwhile.
        StreamMovedError: another writer moved the stream that was read.
    """
    snapshot = outcome.manifest.snapshot_id if outcome.manifest else run.plan.parent
    report: dict[str, Any] = {"run": run.plan.run_id, "changed": outcome.manifest is not None}
    report |= outcome.counts
    keep_notes = partial(keep_positions, run, target.before, target.alias)
    if outcome.manifest is not None and target.alias:
        moved = publish_made(
            run.store,
            outcome.manifest,
            alias=target.alias,
            reason=f"publish {run.plan.run_id}",
            settings=run.settings(),
            keep_notes=keep_notes,
        )
        snapshot, report["published"] = moved.snapshot, moved.sequence
    elif snapshot is not None:
        keep_notes(run.plan.parent, snapshot)
    if outcome.manifest is None:
        report["message"] = "nothing changed: the collection already holds all of it"
    return {**report, "snapshot": snapshot}


def _check_anything(run: Run, outcome: RunOutcome, *, source: str) -> None:
    """Refuse a first run of which nothing came.

    Raises:
        SourceError: nothing could be read and there is nothing to build on.
    """
    if outcome.manifest is None and run.plan.parent is None:
        n = outcome.counts["dead_letters"]
        detail = f"no document could be read; {n} records were set aside"
        hint = f"eagleray dead-letters list {run.settings().options}"
        raise SourceError(source=source, detail=f"{detail}: {hint}")


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
            write_last_run(ledger.store, ledger.collection, ledger.run_id)
        raise
    write_last_run(ledger.store, ledger.collection, ledger.run_id)
