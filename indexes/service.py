"""Collections and snapshots as the command line and the notebooks call them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eagleray.contracts.exchange import ExportRequest
from eagleray.contracts.filters import FilterExpression
from eagleray.contracts.manifests import AliasEntry, SnapshotManifest
from eagleray.contracts.ports import Embedder, SearchEngine, Store
from eagleray.contracts.times import format_micros
from eagleray.embedders import open_embedder
from eagleray.errors import InputError
from eagleray.logs import get_logger
from eagleray.rerankers import open_reranker
from eagleray.settings import Settings
from indexes.dense.queries import DenseQuery
from indexes.evaluation.brute_force import RankedRow
from indexes.evaluation.gate import run_gate
from indexes.evaluation.pages import render_report
from indexes.evaluation.reports import GateReport, load_gate_report, store_gate_report
from indexes.exchange.exporting import export_snapshot
from indexes.lexical.expressions import find_query_terms
from indexes.masks.grammar import parse_filter
from indexes.searching.channels import Channel, DenseChannel, LexicalChannel
from indexes.searching.combining import combine_one
from indexes.searching.ranking import Wanted, rank_rows
from indexes.searching.searcher import Searcher
from indexes.searching.targets import Scope, Target, TargetFinder
from indexes.segments.view import SegmentView
from indexes.snapshots.aliases import AliasMove, list_aliases, move_alias, read_alias, rollback
from indexes.snapshots.catalog import list_snapshots, load_collection, load_snapshot, resolve
from indexes.snapshots.copying import copy_snapshot
from indexes.snapshots.differences import diff_snapshots
from indexes.snapshots.opened import open_snapshot
from indexes.snapshots.vacuuming import pin_snapshot, plan_vacuum, run_vacuum, unpin_snapshot
from indexes.snapshots.verification import verify_snapshot
from indexes.storage import open_store

_log = get_logger()


class LocalIndexService:
    """Searches and administers collections in this process."""

    def open_engine(self, settings: Settings, *, snapshot: str) -> SearchEngine:
        """Return the engine over a snapshot, an alias or the beginning of an id."""
        return open_searcher(settings, snapshot=snapshot, embedder=open_embedder(settings.embedder))

    def parse_filter(self, text: str) -> FilterExpression:
        """Return the filter expression that `text` writes."""
        return parse_filter(text)

    def list_snapshots(self, settings: Settings) -> list[dict[str, Any]]:
        """Return the collection's snapshots, oldest first, with the aliases on each."""
        store = _open(settings)
        aliases = _find_aliases(store, settings.collection)
        rows = []
        for entry in list_snapshots(store, settings.collection):
            manifest = load_snapshot(store, settings.collection, entry.snapshot)
            rows.append(
                {
                    "snapshot": entry.snapshot,
                    "written_at": format_micros(entry.written_at),
                    "n_documents": manifest.n_documents,
                    "n_rows": manifest.n_rows,
                    "aliases": " ".join(aliases.get(entry.snapshot, [])),
                }
            )
        if not rows:
            load_collection(store, settings.collection)
        return rows

    def show_snapshot(self, settings: Settings, *, snapshot: str) -> dict[str, Any]:
        """Return a snapshot's manifest, its aliases and its gate's report."""
        store = _open(settings)
        name = resolve(store, settings.collection, snapshot)
        manifest = load_snapshot(store, settings.collection, name)
        report = load_gate_report(store, settings.collection, name)
        shown = asdict(manifest)
        return {
            "snapshot": name,
            "aliases": _find_aliases(store, settings.collection).get(name, []),
            **{key: list(value) if isinstance(value, tuple) else value for key, value in shown.items()},
            "gate": [] if report is None else [asdict(check) for check in report.checks],
        }

    def diff_snapshots(self, settings: Settings, *, before: str, after: str) -> dict[str, Any]:
        """Return what changed between two snapshots."""
        store, cache = _open(settings), find_cache(settings)
        old = open_snapshot(store, settings.collection, before, cache=cache)
        new = open_snapshot(store, settings.collection, after, cache=cache)
        difference = asdict(diff_snapshots(old, new))
        return {key: list(value) if isinstance(value, tuple) else value for key, value in difference.items()}

    def publish(self, settings: Settings, *, snapshot: str, alias: str) -> dict[str, Any]:
        """Run the gate and move the alias to the snapshot."""
        store = _open(settings)
        name = resolve(store, settings.collection, snapshot)
        current = read_alias(store, settings.collection, alias)
        entry = gate_and_move(
            store,
            load_snapshot(store, settings.collection, name),
            alias=alias,
            expected=current.snapshot if current else None,
            reason="publish",
            cache=find_cache(settings),
        )
        return _show_move(alias, entry)

    def run_gate(self, settings: Settings, *, snapshot: str) -> dict[str, Any]:
        """Try a snapshot, keep the report and return it; no alias moves."""
        store = _open(settings)
        manifest = load_snapshot(store, settings.collection, resolve(store, settings.collection, snapshot))
        return _show_gate(try_snapshot(store, manifest, cache=find_cache(settings)))

    def read_gate_report(self, settings: Settings, *, snapshot: str) -> dict[str, Any]:
        """Return the report of the gate's last run on a snapshot, and the same as a `page` of HTML.

        Raises:
            InputError: the gate has not run on it.
        """
        store = _open(settings)
        name = resolve(store, settings.collection, snapshot)
        report = load_gate_report(store, settings.collection, name)
        if report is None:
            command = f"eagleray gate {name[:12]} {settings.options}"
            raise InputError(detail=f"the gate has not run on snapshot {name[:12]}: {command}")
        return {**_show_gate(report), "page": render_report(report)}

    def rollback(self, settings: Settings, *, alias: str) -> dict[str, Any]:
        """Move the alias back to the snapshot before."""
        store = _open(settings)
        entry = rollback(store, settings.collection, alias, run="", now=time.time_ns() // 1000)
        _log_move(settings.collection, alias, entry)
        return _show_move(alias, entry)

    def verify(self, settings: Settings, *, snapshot: str) -> dict[str, Any]:
        """Check every byte a snapshot needs; `findings` lists what is wrong."""
        store = _open(settings)
        name = resolve(store, settings.collection, snapshot)
        report = verify_snapshot(store, settings.collection, name)
        return {**asdict(report), "findings": [asdict(finding) for finding in report.findings]}

    def pin(self, settings: Settings, *, snapshot: str, is_pinned: bool) -> dict[str, Any]:
        """Keep a snapshot whatever the retention, or let it go with it again."""
        store = _open(settings)
        name = resolve(store, settings.collection, snapshot)
        (pin_snapshot if is_pinned else unpin_snapshot)(store, settings.collection, name)
        return {"snapshot": name, "pinned": is_pinned}

    def vacuum(self, settings: Settings, *, keep_hours: float, is_dry: bool) -> dict[str, Any]:
        """Remove what no alias, pin or retention needs; a dry run only says what."""
        store = _open(settings)
        load_collection(store, settings.collection)
        older_than = time.time_ns() // 1000 - round(keep_hours * 3_600_000_000)
        plan = plan_vacuum(store, settings.collection, older_than=older_than)
        if not is_dry:
            run_vacuum(store, plan)
        report = {
            "objects": len(plan.objects),
            "bytes": plan.n_bytes,
            "snapshots_kept": list(plan.kept),
            "snapshots_removed": list(plan.removed),
            "dry_run": is_dry,
        }
        _log.info("vacuumed", collection=settings.collection, objects=len(plan.objects), bytes=plan.n_bytes)
        return report

    def copy(self, settings: Settings, *, snapshot: str, target: str) -> dict[str, Any]:
        """Copy a snapshot and all it needs into another store, and check every byte there."""
        store = _open(settings)
        name = resolve(store, settings.collection, snapshot)
        other = open_store(target, s3=settings.s3)
        report = copy_snapshot(store, other, settings.collection, name)
        _log.info("snapshot_copied", collection=settings.collection, target=other.url, **asdict(report))
        return {**asdict(report), "store": other.url}

    def export(self, settings: Settings, request: ExportRequest) -> dict[str, Any]:
        """Write the rows and vectors a caller may see into a folder, and return what was written."""
        expression = parse_filter(request.filter) if request.filter else None
        opened = open_snapshot(
            _open(settings), settings.collection, request.snapshot, cache=find_cache(settings)
        )
        report = asdict(export_snapshot(opened, request, expression=expression))
        _log.info(
            "exported", collection=settings.collection, snapshot=report["snapshot"], n_rows=report["rows"]
        )
        return {**report, "format": str(request.format), "files": list(report["files"])}


class ExactAsOfSearch:
    """The product's search, chunk by chunk and whatever the groups, as the gate tries it."""

    def search_dense(
        self, segments: Sequence[SegmentView], vector: npt.NDArray[np.float32], *, as_of: int, k: int
    ) -> list[RankedRow]:
        """Return the chunks whose vectors are most similar to `vector`, float32 [dim]."""
        targets = _find_known(segments, as_of)
        query = DenseQuery(vector, dim=len(vector))
        return _rank(targets, DenseChannel(targets, query, is_exact=True), k)

    def search_lexical(
        self, segments: Sequence[SegmentView], text: str, *, as_of: int, k: int
    ) -> list[RankedRow]:
        """Return the chunks that score highest for the words of `text`."""
        targets = _find_known(segments, as_of)
        return _rank(targets, LexicalChannel(targets, find_query_terms(text)), k)


def open_searcher(settings: Settings, *, snapshot: str, embedder: Embedder) -> Searcher:
    """Return the engine over a snapshot.

    Args:
        settings: name the store and the collection.
        snapshot: alias, id, or the beginning of an id.
        embedder: of questions.

    Raises:
        NotPublishedError: there is no such collection, alias or snapshot.
        IntegrityError: something the snapshot needs is damaged.
        InputError: the collection was embedded with another model.
    """
    started = time.monotonic()
    store = _open(settings)
    opened = open_snapshot(store, settings.collection, snapshot, cache=find_cache(settings))
    _log.info(
        "snapshot_opened",
        collection=settings.collection,
        snapshot=opened.snapshot_id,
        n_segments=len(opened.segments),
        n_rows=opened.n_rows,
        elapsed_s=round(time.monotonic() - started, 3),
    )
    _check_embedder(embedder, opened.manifest)
    return Searcher(
        opened.snapshot_id,
        opened.segments,
        attributes=opened.manifest.attributes,
        embedder=embedder,
        fitted=opened.manifest.ranking,
        reranker=open_reranker(settings.reranker),
    )


def gate_and_move(
    store: Store,
    manifest: SnapshotManifest,
    *,
    alias: str,
    expected: str | None,
    reason: str,
    cache: Path | None = None,
) -> AliasEntry:
    """Run the gate, keep its report, and move the alias if the snapshot passed.

    A snapshot the alias already points to stays where it is.

    Args:
        store: where the collection lies.
        manifest: of the snapshot.
        alias: the name that moves.
        expected: snapshot the alias must point to now; `None` where it must not exist yet.
        reason: `publish`, with the run that does it.
        cache: folder for copies of remote segments; `None` keeps none.

    Raises:
        GateError: it did not pass; the alias stays.
        ConflictError: somebody else moved the alias meanwhile.
    """
    collection, snapshot = manifest.collection.name, manifest.snapshot_id
    try_snapshot(store, manifest, cache=cache).require_passed()
    current = read_alias(store, collection, alias)
    if current is not None and current.snapshot == snapshot:
        return current
    move = AliasMove(expected=expected, snapshot=snapshot, reason=reason, now=time.time_ns() // 1000)
    entry = move_alias(store, collection, alias, move=move)
    _log_move(collection, alias, entry)
    return entry


def try_snapshot(store: Store, manifest: SnapshotManifest, *, cache: Path | None) -> GateReport:
    """Run the gate on a snapshot, keep its report and return it."""
    collection, snapshot = manifest.collection.name, manifest.snapshot_id
    started = time.monotonic()
    report = run_gate(store, collection, snapshot, search=ExactAsOfSearch(), cache=cache)
    _log_gate(manifest, report, elapsed_s=time.monotonic() - started)
    store_gate_report(store, collection, report)
    return report


def _show_gate(report: GateReport) -> dict[str, Any]:
    checks = [asdict(check) for check in report.checks]
    return {"snapshot": report.snapshot, "passed": report.passed, "checks": checks}


def _open(settings: Settings) -> Store:
    return open_store(settings.store, s3=settings.s3)


def find_cache(settings: Settings) -> Path:
    """Return the folder for copies of segments of remote stores."""
    return Path(settings.cache).expanduser()


def _check_embedder(embedder: Embedder, manifest: SnapshotManifest) -> None:
    """Refuse an embedder whose vectors mean something else than the collection's."""
    wanted, found = manifest.collection.embedder, embedder.identity
    if wanted != found.model:
        detail = (
            f"collection {manifest.collection.name} was embedded with {wanted.name}, the settings name "
            f"{found.name}; set EAGLERAY_EMBEDDER__MODEL to the same model"
        )
        raise InputError(detail=detail)


def _find_aliases(store: Store, collection: str) -> dict[str, list[str]]:
    aliases: dict[str, list[str]] = {}
    for name in list_aliases(store, collection):
        entry = read_alias(store, collection, name)
        if entry is not None:
            aliases.setdefault(entry.snapshot, []).append(name)
    return aliases


def _log_gate(manifest: SnapshotManifest, report: GateReport, *, elapsed_s: float) -> None:
    failed = [check.name for check in report.checks if not check.passed]
    log = _log.bind(
        collection=manifest.collection.name,
        snapshot=report.snapshot,
        n_checks=len(report.checks),
        n_rows=manifest.n_rows,
        elapsed_s=round(elapsed_s, 3),
    )
    if report.passed:
        log.info("gate_passed")
    else:
        log.warning("gate_failed", failed=failed)


def _log_move(collection: str, alias: str, entry: AliasEntry) -> None:
    _log.info(
        "alias_moved",
        collection=collection,
        alias=alias,
        snapshot=entry.snapshot,
        previous=entry.previous,
        sequence=entry.sequence,
    )


def _show_move(alias: str, entry: AliasEntry) -> dict[str, Any]:
    return {"alias": alias, **asdict(entry), "moved_at": format_micros(entry.moved_at)}


def _find_known(segments: Sequence[SegmentView], as_of: int) -> tuple[Target, ...]:
    return TargetFinder(segments, attributes={}).find(Scope(as_of=as_of, principal=None))


def _rank(targets: Sequence[Target], channel: Channel, k: int) -> list[RankedRow]:
    ranked = rank_rows(targets, [channel], combine_one, Wanted(k=k))
    return [
        RankedRow(chunk_id=int(targets[item.part].view.chunk_ids[item.row]), similarity=item.score)
        for item in ranked
    ]
