"""`eagleray ingest`: a delivery from its source to the alias."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from eagleray.cli.showing import (
    COLLECTION_OPTION,
    JSON_OPTION,
    STORE_OPTION,
    choose,
    show_fields,
    show_json,
    show_line,
)
from eagleray.contracts.services import IngestRequest, OnProgress
from eagleray.parts import load_job_service
from eagleray.settings import Settings, load_settings


def ingest(
    source: str = typer.Argument(help="Folder or s3://bucket/prefix."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    mapping: str = typer.Option("", help="Mapping file (YAML): which field is what."),
    name: str = typer.Option("", help="Name the source's documents are filed under; default: the folder's."),
    alias: str = typer.Option("live", help="Alias to move; '' builds without publishing."),
    resume: bool = typer.Option(True, "--resume/--fresh", help="Use what an unfinished run left."),
    workers: int = typer.Option(0, min=0, help="Parallel workers; 0 takes every CPU."),
    address: str = typer.Option(
        "", help="Ray cluster; 'auto' in a submitted job; default: a local one for this run."
    ),
    json: bool = JSON_OPTION,
) -> None:
    """Read, chunk, embed, index, check and publish what a source delivers."""
    settings = load_settings(**choose(store=store, collection=collection))
    if workers:
        jobs = settings.jobs.model_copy(update={"workers": workers})
        settings = settings.model_copy(update={"jobs": jobs})
    request = IngestRequest(
        source=source, source_name=name, mapping=mapping, alias=alias, is_resumed=resume, address=address
    )
    with report_progress() as on_progress:
        report = load_job_service(settings).ingest(request, on_progress)
    show_report(report, settings, is_json=json)


def show_report(report: dict[str, Any], settings: Settings, *, is_json: bool) -> None:
    """Print what a run did, and for people what they can do next."""
    if is_json:
        show_json(report)
        return
    passed_over = ", ".join(f"{n} {name}" for name, n in report.get("passed_over", {}).items())
    show_fields({**report, "passed_over": passed_over} if passed_over else report)
    if report.get("dead_letters"):
        show_line(f"set aside, with the reasons: eagleray dead-letters list {settings.options}")
    if "published" in report:
        show_line(f"ask it: eagleray search 'your question' {settings.options}")
    elif report["changed"]:
        show_line(f"publish it: eagleray snapshots publish {report['snapshot'][:12]} {settings.options}")


@contextmanager
def report_progress() -> Iterator[OnProgress]:
    """Yield a callback for the length of a job; what anything prints meanwhile goes to standard error.

    Standard output is for the answer alone. A thread of Ray in this process prints what became of
    tasks (`killed by ray.kill`, for the actors of a stage that failed) on `sys.stdout`, whatever
    `log_to_driver` says, and Ray has no setting for it. The job stops the cluster before this
    block ends, and with it that thread. Only the command line does so: in a program or a
    notebook, standard output is not this project's to redirect.

    Source: Ray 2.60, `listen_error_messages` and `print_to_stdstream`.
    """
    with redirect_stdout(sys.stderr), _show_progress() as on_progress:
        yield on_progress


@contextmanager
def _show_progress() -> Iterator[OnProgress]:
    """Yield a callback: bars on a terminal, one plain line a finished stage elsewhere."""
    if not sys.stderr.isatty():

        def write_line(stage: str, done: int, total: int) -> None:
            if done == total:
                show_line(f"{stage}: {done}/{total}", file=sys.stderr)

        yield write_line
        return
    columns = (
        TextColumn("{task.description:>8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks: dict[str, TaskID] = {}

        def move_bar(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=total)
            progress.update(tasks[stage], completed=done, total=total)

        yield move_bar
