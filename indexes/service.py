"""Collections and snapshots as the command line and the notebooks call them."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import Any

from eagleray.contracts.collections import Collection
from eagleray.contracts.exchange import ExportRequest
from eagleray.contracts.filters import FilterExpression
from eagleray.contracts.ports import SearchEngine
from eagleray.embedders import open_embedder
from eagleray.errors import InputError
from eagleray.logs import get_logger
from eagleray.settings import Settings
from indexes.built_embedder import recall_embedder
from indexes.engine_factory import make_engine_factory
from indexes.evaluation.pages import render_report
from indexes.evaluation.reports import GateReport, load_gate_report
from indexes.exchange.exporting import export_snapshot
from indexes.gating import SnapshotGate
from indexes.inspecting import compare_snapshots, describe_move, describe_snapshot, describe_snapshots
from indexes.masks.grammar import parse_filter
from indexes.setting_checks import SettingChecks
from indexes.snapshots.aliases import read_alias, rollback
from indexes.snapshots.catalog import load_collection, load_snapshot, resolve
from indexes.snapshots.copying import copy_snapshot
from indexes.snapshots.entitling import Entitler
from indexes.snapshots.opened import open_snapshot
from indexes.snapshots.vacuuming import pin_snapshot, plan_vacuum, run_vacuum, unpin_snapshot
from indexes.snapshots.verification import verify_snapshot
from indexes.storage import open_store

_log = get_logger()


class LocalIndexService:
    """Searches and administers collections in this process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def open_engine(self, *, snapshot: str) -> SearchEngine:
        """Return the engine over a snapshot, an alias or the beginning of an id."""
        engines, embedder = make_engine_factory(self._settings), recall_embedder(self._settings).embedder
        searcher = engines.open_searcher(snapshot, embedder=open_embedder(embedder))
        return searcher.under(engines.ask(snapshot, searcher.snapshot))

    def check_settings(self) -> list[dict[str, Any]]:
        """Try what the settings name: `check`, `ok` and `detail` of each."""
        return SettingChecks(self._settings).run()

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
        cache = self._settings.cache_folder
        return compare_snapshots(self._open(), before=before, after=after, cache=cache)

    def publish(self, *, snapshot: str, alias: str) -> dict[str, Any]:
        """Run the gate and move the alias to the snapshot."""
        collection = self._open()
        name = resolve(collection, snapshot)
        current = read_alias(collection, alias)
        entry = self._choose_gate().publish(
            collection.store,
            load_snapshot(collection, name),
            alias=alias,
            expected=current.snapshot if current else None,
            reason="publish",
        )
        return describe_move(alias, entry)

    def run_gate(self, *, snapshot: str) -> dict[str, Any]:
        """Try a snapshot, keep the report and return it; no alias moves."""
        collection = self._open()
        manifest = load_snapshot(collection, resolve(collection, snapshot))
        return _show_gate(self._choose_gate().try_snapshot(collection.store, manifest))

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
        engines, cache = make_engine_factory(self._settings), self._settings.cache_folder
        opened = open_snapshot(engines.collection, request.snapshot, cache=cache)
        entitler = Entitler(engines.collection.store, opened.manifest, opened.segments, cache=cache)
        asked = engines.ask(request.snapshot, opened.snapshot_id)
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
        settings = self._settings
        return Collection(open_store(settings.store, s3=settings.s3), settings.collection)

    def _choose_gate(self) -> SnapshotGate:
        return SnapshotGate.choose(self._settings.gate, cache=self._settings.cache_folder)


def _show_gate(report: GateReport) -> dict[str, Any]:
    checks = [asdict(check) for check in report.checks]
    return {"snapshot": report.snapshot, "passed": report.passed, "checks": checks}
