"""`eagleray audit`: check, show and replay the log of requests, and take its heads."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Any

import typer

from eagleray.cli.showing import (
    COLLECTION_OPTION,
    JSON_OPTION,
    STORE_OPTION,
    choose,
    show_fields,
    show_json,
    show_table,
)
from eagleray.contracts.audits import AuditQuery
from eagleray.contracts.times import OPEN_END, parse_instant
from eagleray.errors import InputError, IntegrityError
from eagleray.parts import load_audit_service
from eagleray.settings import load_settings

audit = typer.Typer(no_args_is_help=True, help="The log of requests: who asked what, and what came back.")

_SINCE = typer.Option("", help="ISO 8601 time; records from then on.")
_UNTIL = typer.Option("", help="ISO 8601 time; records before it.")
_SUBJECT = typer.Option("", help="Who asked.")
_ACTION = typer.Option("", help="What was asked for, such as search or facets.")
_SNAPSHOT = typer.Option("", help="Id of the snapshot that answered, or its beginning.")
_COLUMNS = ("time", "subject", "action", "status", "snapshot", "n_hits", "latency_us", "writer", "sequence")


@audit.command()
def verify(
    heads: str = typer.Option("", help="File of heads that `eagleray audit head` wrote before."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Check every record of every chain; exit code 4 where one was changed, removed, put in or moved."""
    settings = load_settings(**choose(store=store, collection=collection))
    report = load_audit_service(settings).verify(heads=_read(heads) if heads else "")
    _show(report, is_json=json)
    if report["findings"]:
        raise typer.Exit(IntegrityError.exit_code)


@audit.command()
def show(
    since: str = _SINCE,
    until: str = _UNTIL,
    subject: str = _SUBJECT,
    action: str = _ACTION,
    snapshot: str = _SNAPSHOT,
    n: int = typer.Option(100, "-n", min=0, help="Records, the earliest; 0 for all."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Show records, in the order of their times."""
    settings = load_settings(**choose(store=store, collection=collection))
    query = _make_query(since, until, subject=subject, action=action, snapshot=snapshot, n=n)
    rows = list(load_audit_service(settings).show(query))
    if json:
        show_json(rows)
        return
    show_table([_shorten(row) for row in rows], _COLUMNS)


@audit.command()
def replay(
    since: str = _SINCE,
    until: str = _UNTIL,
    subject: str = _SUBJECT,
    action: str = _ACTION,
    snapshot: str = _SNAPSHOT,
    n: int = typer.Option(0, "-n", min=0, help="Records, the earliest; 0 for all."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Ask recorded questions again, each on its snapshot; exit code 1 where an answer is another."""
    settings = load_settings(**choose(store=store, collection=collection))
    query = _make_query(since, until, subject=subject, action=action, snapshot=snapshot, n=n)
    report = load_audit_service(settings).replay(query)
    _show(report, is_json=json)
    if report["different"]:
        raise typer.Exit(1)


@audit.command()
def head(
    to: str = typer.Option("", help="File that takes the heads; not there yet."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Take the last hash of every chain, to be kept where nobody who may write the store can write."""
    settings = load_settings(**choose(store=store, collection=collection))
    heads = load_audit_service(settings).head()
    if to:
        _write(to, heads)
    _show(heads, is_json=json)


def _make_query(since: str, until: str, *, subject: str, action: str, snapshot: str, n: int) -> AuditQuery:
    return AuditQuery(
        since=parse_instant(since) if since else 0,
        until=parse_instant(until) if until else OPEN_END,
        subject=subject,
        action=action,
        snapshot=snapshot,
        limit=n,
    )


def _shorten(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a table shows of a record."""
    action = row["action"] or row["kind"]
    return {**row, "n_hits": len(row["hits"]), "snapshot": row["snapshot"][:12], "action": action}


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(detail=f"heads {path}: {error}") from error


def _write(path: str, heads: dict[str, Any]) -> None:
    try:
        with Path(path).open("x", encoding="utf-8") as stream:
            stream.write(json_module.dumps(heads, sort_keys=True) + "\n")
    except OSError as error:
        raise InputError(detail=f"heads {path}: {error}") from error


def _show(report: dict[str, Any], *, is_json: bool) -> None:
    if is_json:
        show_json(report)
    else:
        show_fields(report)
