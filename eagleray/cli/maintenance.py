"""`eagleray compact`, `vacuum`, `tune`, `calibrate`, `export`: what is done with a published collection."""

from __future__ import annotations

import typer

from eagleray.cli.command import Report, reports
from eagleray.cli.progress import ADDRESS_OPTION, BEGINS_AGAIN, report_progress
from eagleray.client.choices import read_time
from eagleray.contracts.exchange import ExchangeFormat, ExportRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.services import CalibrateRequest, IndexService, JobService, TuneRequest
from eagleray.parts import INDEX, JOBS


@reports("store", "collection", part=JOBS)
def compact(
    service: JobService,
    alias: str = typer.Option("live", help="Alias whose snapshot is compacted, and which moves."),
    address: str = ADDRESS_OPTION,
) -> Report:
    """Join small segments that follow each other in time, check the result and publish it."""
    with report_progress(if_stopped=BEGINS_AGAIN) as on_progress:
        report = service.compact(alias=alias, address=address, on_progress=on_progress)
    return Report(value=report)


@reports("store", "collection", part=INDEX)
def vacuum(
    service: IndexService,
    keep_hours: float = typer.Option(168.0, min=1.0, help="Keep whatever was written in these hours."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Show what would be removed, and remove nothing."),
) -> Report:
    """Remove what no alias, pin or retention needs; the snapshot that an alias would roll back to stays."""
    shown = service.vacuum(keep_hours=keep_hours, is_dry=dry_run)
    return Report(value=shown)


@reports("store", "collection", part=JOBS)
def tune(
    service: JobService,
    questions: str = typer.Argument(
        "", help="JSON Lines file with a query and its relevant documents on each line."
    ),
    known_items: int | None = typer.Option(None, help="Questions to generate from rows if there is no file."),
    group: list[str] = typer.Option(
        [], help="A group whose rows may be used for questions; repeat for more."
    ),
    alias: str = typer.Option("live", help="Alias whose snapshot is tuned, and which moves."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only show what would be published."),
) -> Report:
    """Fit hybrid search to judged or generated questions; publish if held-out questions improve."""
    request = TuneRequest(
        questions=questions,
        n_known_items=known_items,
        groups=frozenset(group),
        alias=alias,
        is_dry=dry_run,
    )
    report = service.tune(request)
    return Report(value=report)


@reports("store", "collection", part=JOBS)
def calibrate(
    service: JobService,
    questions: int | None = typer.Option(None, help="Number of questions to generate from rows."),
    group: list[str] = typer.Option(
        [], help="A group whose rows may be used for questions; repeat for more."
    ),
    alias: str = typer.Option("live", help="Alias whose snapshot is calibrated, and which moves."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only show what would be published."),
) -> Report:
    """Learn from the collection's own rows when an answer is relevant, and publish it."""
    request = CalibrateRequest(n_questions=questions, groups=frozenset(group), alias=alias, is_dry=dry_run)
    return Report(value=service.calibrate(request))


@reports("store", "collection", part=INDEX)
def export(
    service: IndexService,
    snapshot: str = typer.Argument(help="Alias, id, or the first 8 digits of an id."),
    target: str = typer.Argument(help="Folder for the files; must be new or empty."),
    format: ExchangeFormat = typer.Option(ExchangeFormat.PARQUET, help="Files to write."),  # noqa: A002 - the option's name
    as_of: str | None = typer.Option(None, help="ISO 8601 time; what was known then is written."),
    filter: str = typer.Option("", help="Rows to write, for example: year >= 2019"),  # noqa: A002 - the option's name
    group: list[str] = typer.Option([], help="A group of the caller; repeat for more."),
) -> Report:
    """Write the rows and vectors that a caller with these groups may see, as of any time, to files."""
    request = ExportRequest(
        snapshot=snapshot,
        target=target,
        format=format,
        as_of=read_time(as_of),
        filter=filter,
        principal=Principal(subject="command-line", groups=frozenset(group)),
    )
    report = service.export(request)
    return Report(value=report)
