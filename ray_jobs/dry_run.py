"""A dry run: the source is read and mapped as a run would, and nothing is written or published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from eagleray.contracts.services import OnProgress
from eagleray.contracts.sources import Source
from eagleray.documents.mapping import Mapping
from eagleray.documents.mapping_matches import list_mapped_fields
from eagleray.errors import StrictRunError
from indexes.runs.dead_letters import sort_letters
from indexes.runs.unread import SourceRecord
from ray_jobs.clusters import connected
from ray_jobs.execution import WorkerLimits, run_stage
from ray_jobs.reading_report import ReadingReport
from ray_jobs.source_reading import ReadSource, gather_reading, update_record
from ray_jobs.stages.check import make_check_stage
from ray_jobs.stages.read_tally import add_tallies

MAX_LISTED: Final = 1_000
"""Dead letters that the report lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What is tried.

    Attributes:
        open_source: opens what is read, here and in workers.
        mapping: what makes documents of its records.
        limits: of the workers.
        address: of the Ray cluster.
        allowed: share of files, and of records, that may be refused; `None` where any number may.
    """

    open_source: Callable[[], Source[Any, Any]]
    mapping: Mapping
    limits: WorkerLimits
    address: str
    allowed: float | None


def try_source(dry: DryRun, on_progress: OnProgress) -> dict[str, Any]:
    """Read all that a source holds, whatever the collection holds of it, and return the report.

    Raises:
        SourceError: the source cannot be read.
        StrictRunError: more is refused than is allowed, or a field of the mapping matches nothing.
    """
    opened = dry.open_source()
    plan = opened.plan({})
    stage = make_check_stage(plan.splits, dry.open_source, dry.mapping)
    with connected(dry.address, n_cpus=dry.limits.n_workers):
        outcomes = run_stage(stage, ledger=None, limits=dry.limits, on_progress=on_progress)
    source = ReadSource(
        name=opened.name,
        is_stream=opened.is_stream,
        before={},
        after=opened.position_after(plan),
        passed_over=plan.passed_over,
        mapping=dry.mapping.digest,
        fields=list_mapped_fields(dry.mapping),
    )
    reading = gather_reading(opened.name, add_tallies([item.tally for item in outcomes]), ())
    record = update_record(SourceRecord(source=opened.name), source, reading, run="dry")
    report = ReadingReport(source=source, reading=reading, record=record)
    shown = {
        "dry_run": True,
        "changed": False,
        "documents_read": reading.n_documents,
        "dead_letters": reading.n_dead_letters,
        **report.show(),
        "letters": sort_letters(letter for item in outcomes for letter in item.letters)[:MAX_LISTED],
    }
    excess = () if dry.allowed is None else report.find_excess(dry.allowed)
    if excess:
        raise StrictRunError(source=opened.name, detail="; ".join(excess), report=shown)
    return shown
