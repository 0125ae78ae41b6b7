"""`eagleray snapshots`: list, show, compare, publish, roll back, verify, copy."""

from __future__ import annotations

from typing import Any

import typer

from eagleray.cli.command import Report, make_table, reports
from eagleray.cli.output import show_fields
from eagleray.contracts.services import IndexService
from eagleray.errors import IntegrityError
from eagleray.parts import INDEX
from eagleray.settings import Settings

snapshots = typer.Typer(
    no_args_is_help=True, help="Immutable states of a collection, and the aliases that point to them."
)
_ALIAS = typer.Option("live", help="Alias to move.")


@snapshots.command("list")
@reports("store", "collection", part=INDEX)
def list_all(service: IndexService) -> Report:
    """List the snapshots, oldest first."""
    rows = service.list_snapshots()
    return make_table(rows, ("snapshot", "written_at", "n_documents", "n_rows", "aliases"))


@snapshots.command()
@reports("store", "collection", part=INDEX)
def show(
    service: IndexService,
    snapshot: str = typer.Argument("live", help="Alias, id, or the first 8 digits of an id."),
) -> Report:
    """Show what a snapshot consists of."""
    shown = service.show_snapshot(snapshot=snapshot)
    return Report(value=shown, show=lambda: show_fields(_describe_snapshot(shown)))


@snapshots.command()
@reports("store", "collection", part=INDEX)
def diff(
    service: IndexService,
    before: str = typer.Argument(help="Alias or id."),
    after: str = typer.Argument("live", help="Alias or id."),
) -> Report:
    """Show what changed between two snapshots."""
    shown = service.diff_snapshots(before=before, after=after)
    return Report(value=shown, show=lambda: show_fields(_describe_difference(shown)))


@snapshots.command()
@reports("store", "collection", part=INDEX)
def publish(
    service: IndexService,
    snapshot: str = typer.Argument(help="Id, or its first 8 digits."),
    alias: str = _ALIAS,
) -> Report:
    """Run the gate and move the alias."""
    moved = service.publish(snapshot=snapshot, alias=alias)
    return Report(value=moved)


@snapshots.command()
@reports("store", "collection", part=INDEX)
def rollback(
    service: IndexService,
    alias: str = _ALIAS,
) -> Report:
    """Move the alias back to the previous snapshot."""
    moved = service.rollback(alias=alias)
    return Report(value=moved)


@snapshots.command()
@reports("store", "collection", part=INDEX)
def verify(
    service: IndexService,
    snapshot: str = typer.Argument("live", help="Alias or id."),
) -> Report:
    """Check every byte that the snapshot needs; exit code 4 if something is damaged."""
    shown = service.verify(snapshot=snapshot)
    return Report(value=shown, exit_code=IntegrityError.exit_code if shown["findings"] else 0)


@snapshots.command()
@reports("store", "collection", part=INDEX)
def pin(
    service: IndexService,
    snapshot: str = typer.Argument("live", help="Alias or id."),
    off: bool = typer.Option(False, "--off", help="Unpin it."),
) -> Report:
    """Protect a snapshot from vacuums, whatever its age."""
    shown = service.pin(snapshot=snapshot, is_pinned=not off)
    return Report(value=shown)


@snapshots.command()
@reports("store", "collection", part=INDEX)
def copy(
    service: IndexService,
    settings: Settings,
    snapshot: str = typer.Argument("live", help="Alias or id."),
    to: str = typer.Option(help="Target store: a folder or s3://bucket/prefix."),
) -> Report:
    """Copy a snapshot and all it needs into another store, and check every byte there; no alias moves."""
    report = service.copy(snapshot=snapshot, target=to)
    there = settings.model_copy(update={"store": to}).options
    step = f"publish it there: eagleray snapshots publish {report['snapshot'][:12]} {there}"
    return Report(value=report, next_steps=(step,))


def _describe_snapshot(shown: dict[str, Any]) -> dict[str, Any]:
    """Return a snapshot's fields with one sentence for each check of its gate."""
    gate = {
        check["name"]: f"{'passed' if check['passed'] else 'FAILED'}: {check['detail']}"
        for check in shown["gate"]
    }
    return {**shown, "gate": gate or "has not run"}


def _describe_difference(shown: dict[str, Any]) -> dict[str, Any]:
    """Return what changed between two snapshots: counts first, then what is new or gone on disk."""
    changes = f"{shown['n_added']} added, {shown['n_removed']} removed, {shown['n_superseded']} superseded"
    described = {
        "before": shown["before"],
        "after": shown["after"],
        "documents": f"{shown['n_documents_before']} -> {shown['n_documents_after']} ({changes})",
        "rows": f"{shown['n_rows_before']} -> {shown['n_rows_after']}",
    }
    for name in ("segments_added", "segments_removed", "patches_added", "patches_removed"):
        if shown[name]:
            described[name] = shown[name]
    return described
