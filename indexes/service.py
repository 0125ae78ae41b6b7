"""Collections and snapshots as the command line and the notebooks call them."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import Any, Final

from eagleray.contracts.asked_snapshots import AskedSnapshot, ask_own
from eagleray.contracts.collections import Collection
from eagleray.contracts.exchange import ExportRequest
from eagleray.contracts.filters import FilterExpression
from eagleray.contracts.manifests import SnapshotManifest
from eagleray.contracts.ports import Embedder, SearchEngine, Store
from eagleray.embedders import open_embedder
from eagleray.errors import InputError
from eagleray.logs import get_logger
from eagleray.rerankers import open_reranker
from eagleray.settings import Settings
from indexes.evaluation.pages import render_report
from indexes.evaluation.reports import GateReport, load_gate_report
from indexes.exchange.exporting import export_snapshot
from indexes.gating import find_cache, gate_and_move, try_snapshot
from indexes.inspecting import compare_snapshots, describe_move, describe_snapshot, describe_snapshots
from indexes.masks.grammar import parse_filter
from indexes.searching.searcher import Searcher
from indexes.segments.on_device import bring_to_device
from indexes.snapshots.aliases import alias_history, find_standing, is_alias_name, read_alias, rollback
from indexes.snapshots.catalog import load_collection, load_snapshot, resolve
from indexes.snapshots.copying import copy_snapshot
from indexes.snapshots.entitling import Entitler
from indexes.snapshots.opened import OpenSnapshot, open_snapshot
from indexes.snapshots.vacuuming import pin_snapshot, plan_vacuum, run_vacuum, unpin_snapshot
from indexes.snapshots.verification import verify_snapshot
from indexes.storage import open_store

_ALIAS: Final = "live"
"""Alias whose newest snapshot rules others that are opened here by their ids."""

_log = get_logger()


class LocalIndexService:
    """Searches and administers collections in this process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def open_engine(self, *, snapshot: str) -> SearchEngine:
        """Return the engine over a snapshot, an alias or the beginning of an id."""
        searcher = open_searcher(
            self._settings, snapshot=snapshot, embedder=open_embedder(self._settings.embedder)
        )
        return searcher.under(_ask(self._settings, snapshot, searcher.snapshot))

    def parse_filter(self, text: str) -> FilterExpression:
        """Return the filter expression that `text` writes."""
        return parse_filter(text)

    def list_snapshots(self) -> list[dict[str, Any]]:
        """Return the collection's snapshots, oldest first, with the aliases on each."""
        collection = self._open()
        rows = describe_snapshots(collection)
        if not rows:
            load_collection(collection)
        return [{**row, "aliases": " ".join(row["aliases"])} for row in rows]

    def show_snapshot(self, *, snapshot: str) -> dict[str, Any]:
        """Return a snapshot's manifest, its aliases and its gate's report."""
        return describe_snapshot(self._open(), snapshot)

    def diff_snapshots(self, *, before: str, after: str) -> dict[str, Any]:
        """Return what changed between two snapshots."""
        cache = find_cache(self._settings)
        return compare_snapshots(self._open(), before=before, after=after, cache=cache)

    def publish(self, *, snapshot: str, alias: str) -> dict[str, Any]:
        """Run the gate and move the alias to the snapshot."""
        collection = self._open()
        name = resolve(collection, snapshot)
        current = read_alias(collection, alias)
        entry = gate_and_move(
            collection.store,
            load_snapshot(collection, name),
            alias=alias,
            expected=current.snapshot if current else None,
            reason="publish",
            settings=self._settings,
        )
        return describe_move(alias, entry)

    def run_gate(self, *, snapshot: str) -> dict[str, Any]:
        """Try a snapshot, keep the report and return it; no alias moves."""
        collection = self._open()
        manifest = load_snapshot(collection, resolve(collection, snapshot))
        return _show_gate(try_snapshot(collection.store, manifest, settings=self._settings))

    def read_gate_report(self, *, snapshot: str) -> dict[str, Any]:
        """Return the report of the gate's last run on a snapshot, and the same as a `page` of HTML.

        Raises:
            InputError: the gate has not run on it.
        """
        collection = self._open()
        name = resolve(collection, snapshot)
        report = load_gate_report(collection, name)
        if report is None:
            command = f"eagleray gate {name[:12]} {self._settings.options}"
            raise InputError(detail=f"the gate has not run on snapshot {name[:12]}: {command}")
        return {**_show_gate(report), "page": render_report(report)}

    def rollback(self, *, alias: str) -> dict[str, Any]:
        """Move the alias back to the snapshot before."""
        collection = self._open()
        entry = rollback(collection, alias, run="", now=time.time_ns() // 1000)
        return describe_move(alias, entry)

    def verify(self, *, snapshot: str) -> dict[str, Any]:
        """Check every byte a snapshot needs; `findings` lists what is wrong."""
        collection = self._open()
        name = resolve(collection, snapshot)
        report = verify_snapshot(collection, name)
        return {**asdict(report), "findings": [asdict(finding) for finding in report.findings]}

    def pin(self, *, snapshot: str, is_pinned: bool) -> dict[str, Any]:
        """Keep a snapshot whatever the retention, or let it go with it again."""
        collection = self._open()
        name = resolve(collection, snapshot)
        (pin_snapshot if is_pinned else unpin_snapshot)(collection, name)
        return {"snapshot": name, "pinned": is_pinned}

    def vacuum(self, *, keep_hours: float, is_dry: bool) -> dict[str, Any]:
        """Remove what no alias, pin or retention needs; a dry run only says what."""
        collection = self._open()
        load_collection(collection)
        older_than = time.time_ns() // 1000 - round(keep_hours * 3_600_000_000)
        plan = plan_vacuum(collection, older_than=older_than)
        if not is_dry:
            run_vacuum(collection.store, plan)
        report = {
            "objects": len(plan.objects),
            "bytes": plan.n_bytes,
            "snapshots_kept": list(plan.kept),
            "snapshots_removed": list(plan.removed),
            "dry_run": is_dry,
        }
        _log.info(
            "vacuumed", collection=self._settings.collection, objects=len(plan.objects), bytes=plan.n_bytes
        )
        return report

    def copy(self, *, snapshot: str, target: str) -> dict[str, Any]:
        """Copy a snapshot and all it needs into another store, and check every byte there."""
        collection = self._open()
        name = resolve(collection, snapshot)
        other = open_store(target, s3=self._settings.s3)
        report = copy_snapshot(collection.store, other, self._settings.collection, name)
        _log.info("snapshot_copied", collection=self._settings.collection, target=other.url, **asdict(report))
        return {**asdict(report), "store": other.url}

    def export(self, request: ExportRequest) -> dict[str, Any]:
        """Write the rows and vectors a caller may see into a folder, and return what was written."""
        expression = parse_filter(request.filter) if request.filter else None
        collection, cache = self._open(), find_cache(self._settings)
        opened = open_snapshot(collection, request.snapshot, cache=cache)
        entitler = Entitler(collection.store, opened.manifest, opened.segments, cache=cache)
        asked = _ask(self._settings, request.snapshot, opened.snapshot_id)
        opened = replace(opened, segments=entitler.entitle(asked))
        report = asdict(export_snapshot(opened, request, expression=expression))
        _log.info(
            "exported",
            collection=self._settings.collection,
            snapshot=report["snapshot"],
            n_rows=report["rows"],
        )
        return {**report, "format": str(request.format), "files": list(report["files"])}

    def _open(self) -> Collection:
        return Collection(_open(self._settings), self._settings.collection)


def open_searcher(settings: Settings, *, snapshot: str, embedder: Embedder) -> Searcher:
    """Return the engine over a snapshot.

    Args:
        settings: name the store and the collection.
        snapshot: alias, id, or the beginning of an id.
        embedder: of questions.

    Raises:
        NotPublishedError: there is no such collection, alias or snapshot.
        IntegrityError: something the snapshot needs is damaged.
        InputError: the collection was embedded with another model, or its vectors do not fit the GPU.
    """
    return make_searcher(open_named(settings, snapshot=snapshot), settings=settings, embedder=embedder)


def open_named(settings: Settings, *, snapshot: str) -> OpenSnapshot:
    """Return the opened snapshot of an alias, an id or the beginning of an id.

    Raises:
        NotPublishedError: there is no such collection, alias or snapshot.
        IntegrityError: something the snapshot needs is damaged.
    """
    started = time.monotonic()
    store = _open(settings)
    opened = open_snapshot(Collection(store, settings.collection), snapshot, cache=find_cache(settings))
    _log.info(
        "snapshot_opened",
        collection=settings.collection,
        snapshot=opened.snapshot_id,
        n_segments=len(opened.segments),
        n_rows=opened.n_rows,
        elapsed_s=round(time.monotonic() - started, 3),
    )
    return opened


def make_searcher(opened: OpenSnapshot, *, settings: Settings, embedder: Embedder) -> Searcher:
    """Return the engine over an opened snapshot.

    Args:
        opened: the snapshot.
        settings: name the reranker.
        embedder: of questions.

    Raises:
        InputError: the collection was embedded with another model.
    """
    check_embedder(embedder, opened.manifest)
    views = bring_to_device(opened.segments, settings.search.device)
    entitler = Entitler(_open(settings), opened.manifest, views, cache=find_cache(settings))
    searcher = Searcher(
        opened.snapshot_id,
        views,
        embedder=embedder,
        fitted=opened.manifest.ranking,
        reranker=open_reranker(settings.reranker),
        n_threads=settings.search.threads,
    )
    return searcher.entitle_by(entitler.entitle)


def _ask(settings: Settings, name: str, snapshot: str) -> AskedSnapshot:
    """Return a snapshot as it is asked here: an alias by its own state, any other by that of `live`."""
    standing: list[str] = []
    if not is_alias_name(name):
        standing = find_standing(alias_history(Collection(_open(settings), settings.collection), _ALIAS))
    if not standing:
        return ask_own(snapshot)
    return AskedSnapshot(snapshot=snapshot, entitled_by=standing[-1], is_published=snapshot in standing)


def _show_gate(report: GateReport) -> dict[str, Any]:
    checks = [asdict(check) for check in report.checks]
    return {"snapshot": report.snapshot, "passed": report.passed, "checks": checks}


def _open(settings: Settings) -> Store:
    return open_store(settings.store, s3=settings.s3)


def check_embedder(embedder: Embedder, manifest: SnapshotManifest) -> None:
    """Refuse an embedder whose vectors mean something else than the collection's."""
    wanted, found = manifest.collection.embedder, embedder.identity
    if wanted != found.model:
        detail = (
            f"collection {manifest.collection.name} was embedded with {wanted.name}, the settings name "
            f"{found.name}; set EAGLERAY_EMBEDDER__MODEL to the same model"
        )
        raise InputError(detail=detail)
