"""What is noted of a run while it is at work: in the log, in its ledger, and which run was the last.

The log has its beginning, stages, dead letters and end: names and counts, never text.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from eagleray.contracts.services import ItemProgress, OnProgress
from eagleray.errors import StoreError
from eagleray.logs import get_logger
from indexes.runs.ended import EndedRun, write_ended_run
from ray_jobs.dead_letters import write_last_run
from ray_jobs.ledger import Ledger
from ray_jobs.plans.runs import RunPlan

_log = get_logger()


@contextmanager
def logged_run(plan: RunPlan, *, collection: str) -> Iterator[Callable[[dict[str, Any]], None]]:
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


def follow_stages(plan: RunPlan, *, collection: str, on_progress: OnProgress) -> OnProgress:
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

    if isinstance(on_progress, ItemProgress):
        report.tell_items = on_progress.tell_items  # type: ignore[attr-defined]  # makes it one, too
    return report


@contextmanager
def noting_end(ledger: Ledger) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Note at the end of a block how the run ended; yield what takes its report."""
    report: dict[str, Any] = {}
    try:
        yield report.update
    except BaseException as error:
        with suppress(StoreError):  # what ended the run is told, not what followed from it
            _note_end(ledger, type(error).__name__, {})
        raise
    _note_end(ledger, "", report)


def _note_end(ledger: Ledger, error: str, report: dict[str, Any]) -> None:
    """Note the end in the run's own folder, and in the collection's as that of the last run."""
    now = time.time_ns() // 1000
    ledger.end(error=error, now=now)
    ended = EndedRun.of_report(report, run=ledger.run_id, error=error, ended_at=now)
    write_ended_run(ledger.collection, ended)


@contextmanager
def noting_last_run(ledger: Ledger) -> Iterator[None]:
    """Note the run as the last one at the end of a block, however it ends."""
    try:
        yield
    except BaseException:
        with suppress(StoreError):  # what ended the run is told, not what followed from it
            write_last_run(ledger.collection, ledger.run_id)
        raise
    write_last_run(ledger.collection, ledger.run_id)
