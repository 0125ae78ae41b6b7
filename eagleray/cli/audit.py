"""`eagleray audit`: check, show and replay the log of requests, and take its heads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

from eagleray.cli.command import Report, reports
from eagleray.cli.output import show_csv, show_table
from eagleray.contracts.audits import AuditQuery
from eagleray.contracts.services import AuditService
from eagleray.contracts.times import OPEN_END, parse_instant
from eagleray.errors import InputError, IntegrityError
from eagleray.parts import AUDIT

audit = typer.Typer(no_args_is_help=True, help="The log of requests: who asked what, and what came back.")

_SINCE = typer.Option("", help="ISO 8601 time; records from then on.")
_UNTIL = typer.Option("", help="ISO 8601 time; records before it.")
_SUBJECT = typer.Option("", help="Who sent the request.")
_ACTION = typer.Option("", help="Kind of request, such as search or facets.")
_SNAPSHOT = typer.Option("", help="Id of the snapshot that answered, or a prefix of it.")
_REQUEST_ID = typer.Option("", help="Name of the request: what the answer's header X-Request-ID says.")
_LATEST = typer.Option(False, "--latest", help="Take the latest -n records rather than the earliest.")
_COLUMNS = ("time", "subject", "action", "question", "status", "n_hits", "snapshot", "request_id")
_CSV_COLUMNS = (*_COLUMNS, "latency_us", "groups", "zones", "writer", "sequence", "hash")
_ASKED = ("query", "question")
"""Texts that are shown first: what was asked; a filter follows."""

_QUESTION_WIDTH = 48
"""Characters of a question that a table shows."""


@audit.command()
@reports("store", "collection", part=AUDIT)
def verify(
    service: AuditService,
    heads: str = typer.Option("", help="File that `eagleray audit head` wrote earlier."),
) -> Report:
    """Check every record of every chain; exit code 4 if one was changed, removed, inserted or moved."""
    report = service.verify(heads=_read(heads) if heads else "")
    return Report(value=report, exit_code=IntegrityError.exit_code if report["findings"] else 0)


@audit.command()
@reports("store", "collection", part=AUDIT)
def show(
    service: AuditService,
    since: str = _SINCE,
    until: str = _UNTIL,
    subject: str = _SUBJECT,
    action: str = _ACTION,
    snapshot: str = _SNAPSHOT,
    request_id: str = _REQUEST_ID,
    latest: bool = _LATEST,
    n: int = typer.Option(100, "-n", min=0, help="Number of records, earliest first; 0 for all."),
    csv: bool = typer.Option(False, "--csv", help="Print comma-separated values, questions whole."),
) -> Report:
    """Show records in chronological order."""
    query = AuditQuery(
        since=_read_time(since, default=0),
        until=_read_time(until, default=OPEN_END),
        subject=subject,
        action=action,
        snapshot=snapshot,
        request_id=request_id,
        limit=n,
        is_latest=latest,
    )
    rows = list(service.show(query))
    if csv:
        return Report(value=rows, show=lambda: show_csv([_list_cells(row) for row in rows], _CSV_COLUMNS))
    return Report(value=rows, show=lambda: show_table([_shorten(row) for row in rows], _COLUMNS))


@audit.command()
@reports("store", "collection", part=AUDIT)
def replay(
    service: AuditService,
    since: str = _SINCE,
    until: str = _UNTIL,
    subject: str = _SUBJECT,
    action: str = _ACTION,
    snapshot: str = _SNAPSHOT,
    request_id: str = _REQUEST_ID,
    latest: bool = _LATEST,
    n: int = typer.Option(0, "-n", min=0, help="Number of records, earliest first; 0 for all."),
) -> Report:
    """Repeat recorded questions, each on its snapshot; exit code 1 if one differs, 2 if none can be."""
    query = AuditQuery(
        since=_read_time(since, default=0),
        until=_read_time(until, default=OPEN_END),
        subject=subject,
        action=action,
        snapshot=snapshot,
        request_id=request_id,
        limit=n,
        is_latest=latest,
    )
    report = service.replay(query)
    is_skipped = any(report[name] for name in ("not_replayable", "unanswered", "snapshot_gone"))
    is_fruitless = is_skipped and not report["same"]
    return Report(value=report, exit_code=1 if report["different"] else 2 if is_fruitless else 0)


@audit.command()
@reports("store", "collection", part=AUDIT)
def head(
    service: AuditService,
    to: str = typer.Option("", help="File to write; must not exist."),
) -> Report:
    """Export the last hash of every chain, to be kept where nobody who may write the store can write."""
    heads = service.head()
    if to:
        _write(to, heads)
    return Report(value=heads)


def _read_time(text: str, *, default: int) -> int:
    """Return a time in microseconds, or the default where none is given."""
    return parse_instant(text) if text else default


def _shorten(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a table shows of a record."""
    cells = _list_cells(row)
    question, snapshot = cells["question"], cells["snapshot"][:12]
    if len(question) > _QUESTION_WIDTH:
        question = f"{question[: _QUESTION_WIDTH - 1]}…"
    return {**cells, "question": question, "snapshot": snapshot}


def _list_cells(row: dict[str, Any]) -> dict[str, Any]:
    """Return a record's cells; its question is the texts that were kept, or the beginning of their digest."""
    kept = sorted((row["texts"] or {}).items(), key=lambda text: text[0] not in _ASKED)
    texts = " | ".join(_write_text(value) for _, value in kept if value)
    question = texts if row["texts"] is not None else row["question"][:12]
    lists = {name: " ".join(row[name] or ()) for name in ("groups", "zones")}
    action = row["action"] or row["kind"]
    return {**row, **lists, "n_hits": len(row["hits"]), "action": action, "question": question}


def _write_text(value: Any) -> str:
    """Return a text that was kept, several with commas, or a filter as JSON."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return json.dumps(value, sort_keys=True, ensure_ascii=False) if isinstance(value, dict) else str(value)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(detail=f"heads {path}: {error}") from error


def _write(path: str, heads: dict[str, Any]) -> None:
    try:
        with Path(path).open("x", encoding="utf-8") as stream:
            stream.write(json.dumps(heads, sort_keys=True) + "\n")
    except OSError as error:
        raise InputError(detail=f"heads {path}: {error}") from error
