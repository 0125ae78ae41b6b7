"""`eagleray snapshots`: list, show, compare, publish, roll back, verify, copy."""

from __future__ import annotations

import typer

from eagleray.cli.showing import (
    COLLECTION_OPTION,
    JSON_OPTION,
    STORE_OPTION,
    choose,
    show_fields,
    show_json,
    show_line,
    show_table,
)
from eagleray.cli.snapshot_views import describe_difference, describe_snapshot
from eagleray.parts import load_index_service
from eagleray.settings import load_settings

snapshots = typer.Typer(
    no_args_is_help=True, help="Immutable states of a collection and the aliases on them."
)
_ALIAS = typer.Option("live", help="Alias to move.")


@snapshots.command("list")
def list_all(
    store: str = STORE_OPTION, collection: str = COLLECTION_OPTION, json: bool = JSON_OPTION
) -> None:
    """List the snapshots, oldest first."""
    settings = load_settings(**choose(store=store, collection=collection))
    rows = load_index_service(settings).list_snapshots()
    if json:
        show_json(rows)
    else:
        show_table(rows, ("snapshot", "written_at", "n_documents", "n_rows", "aliases"))


@snapshots.command()
def show(
    snapshot: str = typer.Argument("live", help="Alias, id, or the first 8 digits of an id."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Show what a snapshot is made of."""
    settings = load_settings(**choose(store=store, collection=collection))
    shown = load_index_service(settings).show_snapshot(snapshot=snapshot)
    if json:
        show_json(shown)
    else:
        show_fields(describe_snapshot(shown))


@snapshots.command()
def diff(
    before: str = typer.Argument(help="Alias or id."),
    after: str = typer.Argument("live", help="Alias or id."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Show what changed between two snapshots."""
    settings = load_settings(**choose(store=store, collection=collection))
    shown = load_index_service(settings).diff_snapshots(before=before, after=after)
    if json:
        show_json(shown)
    else:
        show_fields(describe_difference(shown))


@snapshots.command()
def publish(
    snapshot: str = typer.Argument(help="Id, or its first 8 digits."),
    alias: str = _ALIAS,
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Run the gate and move the alias."""
    settings = load_settings(**choose(store=store, collection=collection))
    moved = load_index_service(settings).publish(snapshot=snapshot, alias=alias)
    if json:
        show_json(moved)
    else:
        show_fields(moved)


@snapshots.command()
def rollback(
    alias: str = _ALIAS,
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Move the alias back to the snapshot before."""
    settings = load_settings(**choose(store=store, collection=collection))
    moved = load_index_service(settings).rollback(alias=alias)
    if json:
        show_json(moved)
    else:
        show_fields(moved)


@snapshots.command()
def verify(
    snapshot: str = typer.Argument("live", help="Alias or id."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Check every byte the snapshot needs; exit code 4 where something is damaged."""
    settings = load_settings(**choose(store=store, collection=collection))
    shown = load_index_service(settings).verify(snapshot=snapshot)
    if json:
        show_json(shown)
    else:
        show_fields(shown)
    if shown["findings"]:
        raise typer.Exit(4)


@snapshots.command()
def pin(
    snapshot: str = typer.Argument("live", help="Alias or id."),
    off: bool = typer.Option(False, "--off", help="Unpin it."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Keep a snapshot from being vacuumed, whatever its age."""
    settings = load_settings(**choose(store=store, collection=collection))
    shown = load_index_service(settings).pin(snapshot=snapshot, is_pinned=not off)
    if json:
        show_json(shown)
    else:
        show_fields(shown)


@snapshots.command()
def copy(
    snapshot: str = typer.Argument("live", help="Alias or id."),
    to: str = typer.Option(help="Store that takes the copy: a folder or s3://bucket/prefix."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Copy a snapshot and all it needs into another store, and check every byte there; no alias moves."""
    settings = load_settings(**choose(store=store, collection=collection))
    report = load_index_service(settings).copy(snapshot=snapshot, target=to)
    if json:
        show_json(report)
        return
    show_fields(report)
    there = settings.model_copy(update={"store": to})
    show_line(f"publish it there: eagleray snapshots publish {report['snapshot'][:12]} {there.options}")
