"""Snapshots and aliases as they are shown: plain JSON values, without text of documents."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import AliasEntry
from eagleray.contracts.times import format_micros
from eagleray.errors import NotPublishedError
from indexes.evaluation.reports import load_gate_report
from indexes.runs.ended import EndedRun, read_ended_run
from indexes.runs.unread import list_records
from indexes.segments.opened_segment import load_segment_manifest
from indexes.snapshots.aliases import alias_history, list_aliases, read_alias
from indexes.snapshots.catalog import list_snapshots, load_snapshot, resolve
from indexes.snapshots.differences import diff_snapshots
from indexes.snapshots.opened import open_snapshot

Shown = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionMeasures:
    """How large and how fresh what an alias points to is.

    Attributes:
        n_rows: rows of the snapshot.
        n_documents: documents of it that nothing has ended.
        newest_known: greatest known_from of its rows, microseconds; `None` without rows.
        moved_at: when the alias was moved, microseconds.
        n_unread: files, or other parts, of its sources that have dead letters now.
        last_run: how the last run ended; `None` where none has noted it.
    """

    n_rows: int
    n_documents: int
    newest_known: int | None
    moved_at: int
    n_unread: int
    last_run: EndedRun | None


def measure_collection(collection: Collection, alias: str) -> CollectionMeasures:
    """Return the measures of what an alias points to; counts rows and files of everybody.

    Raises:
        NotPublishedError: the alias points to nothing.
        IntegrityError: what it points to is damaged.
    """
    entry = read_alias(collection, alias)
    if entry is None:
        raise NotPublishedError(name=alias, detail="it points to nothing")
    manifest = load_snapshot(collection, entry.snapshot)
    known = [_find_last_known(collection, digest) for digest in manifest.segments]
    return CollectionMeasures(
        n_rows=manifest.n_rows,
        n_documents=manifest.n_documents,
        newest_known=max(known, default=None),
        moved_at=entry.moved_at,
        n_unread=sum(len(record.unread) for record in list_records(collection)),
        last_run=read_ended_run(collection),
    )


@lru_cache(maxsize=4096)
def _find_last_known(collection: Collection, digest: str) -> int:
    """Return the greatest known_from of a segment, which never changes."""
    return load_segment_manifest(collection, digest).last_known


def describe_snapshots(collection: Collection, *, limit: int | None = None) -> list[Shown]:
    """Return the collection's last snapshots, oldest first, with the aliases on each.

    Args:
        collection: where it lies.
        limit: snapshots at most; `None` for all.
    """
    aliases = _find_aliases(collection)
    entries = list_snapshots(collection)
    shown = []
    for entry in entries if limit is None else entries[-limit:]:
        manifest = load_snapshot(collection, entry.snapshot)
        shown.append(
            {
                "snapshot": entry.snapshot,
                "written_at": format_micros(entry.written_at),
                "n_documents": manifest.n_documents,
                "n_rows": manifest.n_rows,
                "aliases": aliases.get(entry.snapshot, []),
            }
        )
    return shown


def describe_snapshot(collection: Collection, name: str) -> Shown:
    """Return a snapshot's manifest, its aliases and its gate's report.

    Raises:
        NotPublishedError: no alias, id or beginning of an id is `name`.
    """
    snapshot = resolve(collection, name)
    manifest = load_snapshot(collection, snapshot)
    report = load_gate_report(collection, snapshot)
    return {
        "snapshot": snapshot,
        "aliases": _find_aliases(collection).get(snapshot, []),
        **_list_tuples(asdict(manifest)),
        "gate": [] if report is None else [asdict(check) for check in report.checks],
    }


def compare_snapshots(collection: Collection, *, before: str, after: str, cache: Path | None = None) -> Shown:
    """Return what changed between two snapshots; reads both whole.

    Raises:
        NotPublishedError: one of the two is not there.
    """
    old = open_snapshot(collection, before, cache=cache)
    new = open_snapshot(collection, after, cache=cache)
    return _list_tuples(asdict(diff_snapshots(old, new)))


def describe_aliases(collection: Collection) -> list[Shown]:
    """Return the last move of each alias, by name."""
    entries = ((name, read_alias(collection, name)) for name in list_aliases(collection))
    return [describe_move(name, entry) for name, entry in entries if entry is not None]


def describe_alias(collection: Collection, alias: str) -> Shown:
    """Return the last move of an alias, and all its moves, the first one first.

    Raises:
        InputError: it is no alias name.
        NotPublishedError: there is no such alias.
    """
    history = alias_history(collection, alias)
    if not history:
        raise NotPublishedError(name=alias, detail=f"collection {collection.name} has no such alias")
    moves = [describe_move(alias, entry) for entry in history]
    return {**moves[-1], "history": moves}


def describe_move(alias: str, entry: AliasEntry) -> Shown:
    """Return a move of an alias."""
    return {"alias": alias, **asdict(entry), "moved_at": format_micros(entry.moved_at)}


def _find_aliases(collection: Collection) -> dict[str, list[str]]:
    aliases: dict[str, list[str]] = {}
    for name in list_aliases(collection):
        entry = read_alias(collection, name)
        if entry is not None:
            aliases.setdefault(entry.snapshot, []).append(name)
    return aliases


def _list_tuples(fields: Shown) -> Shown:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in fields.items()}
