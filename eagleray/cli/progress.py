"""What commands that run jobs share: their options, and how far a job has come, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from eagleray.cli.output import show_line
from eagleray.contracts.services import OnProgress

ADDRESS_OPTION: Final = typer.Option(
    "", help="Ray cluster; 'auto' in a submitted job; default: a local one for this run."
)

RESUMES: Final = "the same command resumes"
RESUMES_WITHOUT_FRESH: Final = "the same command without --fresh resumes"
BEGINS_AGAIN: Final = "the same command begins again"


@contextmanager
def report_progress(*, if_stopped: str = RESUMES) -> Iterator[OnProgress]:
    """Yield a callback for the length of a job; what anything prints meanwhile goes to standard error.

    Ctrl-C ends it with a line that says what the same command does then.

    Standard output is for the answer alone. A thread of Ray in this process prints what became of
    tasks (`killed by ray.kill`, for the actors of a stage that failed) on `sys.stdout`, whatever
    `log_to_driver` says, and Ray has no setting for it. The job stops the cluster before this
    block ends, and with it that thread. Only the command line does so: in a program or a
    notebook, standard output is not this project's to redirect.

    Source: Ray 2.60, `listen_error_messages` and `print_to_stdstream`.

    Args:
        if_stopped: what that line says.
    """
    try:
        with redirect_stdout(sys.stderr), _show_progress() as on_progress:
            yield on_progress
    except KeyboardInterrupt:
        show_line(f"stopped; {if_stopped}", file=sys.stderr)
        raise


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
