"""What commands that run jobs share: their options, and how far a job has come, on standard error."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
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

_STDERR: Final = 2
_NOTE: Final = b" has constructor arguments in the object store and max_restarts > 0."
_PATIENCE_S: Final = 1.0

COLUMNS: Final = (
    TextColumn("{task.description:>8}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
    TextColumn("{task.fields[items]}"),
)
"""What the line of a stage shows."""


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
        with _without_notes(), redirect_stdout(sys.stderr), _show_progress() as on_progress:
            yield on_progress
    except KeyboardInterrupt:
        show_line(f"stopped; {if_stopped}", file=sys.stderr)
        raise


@contextmanager
def _without_notes() -> Iterator[None]:
    """Pass on what is written to standard error, but for a line that concerns nobody who runs a job.

    Ray's C++ part writes it to the file descriptor itself, for each pool of actors, and no setting of Ray's
    silences it alone. What Python writes goes straight to where standard error leads, as a terminal if it is
    one. Where standard error is not this process's own, nothing is done.

    Source: Ray 2.60, `core_worker.cc`, on arguments of actors in the object store.
    """
    own = sys.__stderr__
    if own is None or sys.stderr is not own or own.fileno() != _STDERR:
        yield
        return
    own.flush()
    kept = os.dup(_STDERR)
    read_end, write_end = os.pipe()
    os.dup2(write_end, _STDERR)
    os.close(write_end)
    copier = threading.Thread(target=_copy_lines, args=(read_end, kept), daemon=True)
    copier.start()
    # Never closed: libraries that meet it as standard error, as Ray's colorama does, use it when all ends.
    direct = os.fdopen(kept, "w", buffering=1, errors="backslashreplace", closefd=False)
    try:
        with redirect_stderr(direct):
            yield
    finally:
        direct.flush()
        os.dup2(kept, _STDERR)
        copier.join(_PATIENCE_S)  # a process that is left holds the pipe open


def _copy_lines(read_end: int, kept: int) -> None:
    with os.fdopen(read_end, "rb") as lines:
        for line in lines:
            if _NOTE not in line:
                os.write(kept, line)


@contextmanager
def _show_progress() -> Iterator[OnProgress]:
    """Yield a callback: bars on a terminal, one plain line a finished stage elsewhere."""
    if not sys.stderr.isatty():

        def write_line(stage: str, done: int, total: int) -> None:
            if done == total:
                show_line(f"{stage}: {done}/{total}", file=sys.stderr)

        yield write_line
        return
    with Progress(*COLUMNS, console=Console(stderr=True)) as progress:
        yield StageBars(progress)


class StageBars:
    """One bar a stage, from its beginning on, with what its unfinished shards have done."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int, /) -> None:
        """Show how many shards of a stage are finished."""
        self._progress.update(self._find_task(stage, total), completed=done, total=total)

    def tell_items(self, stage: str, total: int, n_items: int) -> None:
        """Show how many items of a stage are done."""
        items = f"{n_items:,} done" if n_items else ""
        self._progress.update(self._find_task(stage, total), items=items)

    def _find_task(self, stage: str, total: int) -> TaskID:
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total, items="")
        return self._tasks[stage]
