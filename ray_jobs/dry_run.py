"""A dry run: the source is read and mapped as a run would, and nothing is written or published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from eagleray.contracts.services import OnProgress
from eagleray.contracts.sources import Position, Source
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
        position: how far the collection holds the source.
        relabels: whether the run would give versions there are new labels.
    """

    open_source: Callable[[], Source[Any, Any]]
    mapping: Mapping
    limits: WorkerLimits
    address: str
    allowed: float | None
    position: Position
    relabels: bool


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
    told, compared = report.show(), {} if opened.is_stream else compare_files(opened, dry.position)
    if compared.get("remapped") and not dry.relabels:
        told["warnings"].append(_warn_of_mapping(compared["remapped"]))
    shown = {
        "dry_run": True,
        "changed": False,
        "documents_read": reading.n_documents,
        "dead_letters": reading.n_dead_letters,
        **told,
        **({"compared": compared} if compared else {}),
        "letters": sort_letters(letter for item in outcomes for letter in item.letters)[:MAX_LISTED],
    }
    excess = () if dry.allowed is None else report.find_excess(dry.allowed)
    if excess:
        raise StrictRunError(source=opened.name, detail="; ".join(excess), report=shown)
    return shown


def compare_files(source: Source[Any, Any], position: Position) -> dict[str, int]:
    """Return how many parts of a source a run would find new, changed, gone, or as they were.

    Args:
        source: not a stream.
        position: how far the collection holds it.
    """
    plan = source.plan(position)
    after = source.position_after(plan)
    other = {part for part in after.keys() & position.keys() if after[part] != position[part]}
    return {
        "new": len(after.keys() - position.keys()),
        "changed": len(other - plan.unchanged),
        "remapped": len(other & plan.unchanged),
        "unchanged": len(after.keys() & position.keys()) - len(other),
        "gone": len(position.keys() - after.keys()),
    }


def _warn_of_mapping(n: int) -> dict[str, str]:
    files = f"{n} unchanged file{'' if n == 1 else 's'}"
    return {
        "kind": "other_mapping",
        "message": f"a run reads {files} again, whose mapping (or row of the sidecar) is another now: "
        "documents that differ by it are superseded, and what it corrects is known from that run on; "
        "--relabel corrects the versions there are instead",
    }
