"""The gate as it is run before an alias moves: the product's search under test, budgets, the move itself."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.manifests import AliasEntry, SnapshotManifest
from eagleray.contracts.ports import Store
from eagleray.logs import get_logger
from eagleray.setting_groups.engine import GateSettings
from indexes.dense.queries import DenseQuery
from indexes.evaluation.brute_force import RankedRow
from indexes.evaluation.budgets import Budgets
from indexes.evaluation.gate import run_gate
from indexes.evaluation.reports import GateReport, store_gate_report
from indexes.fusion.convex import DENSE_WEIGHT
from indexes.lexical.expressions import find_query_terms
from indexes.searching.channels import Channel, DenseChannel, LexicalChannel
from indexes.searching.local import LocalSource
from indexes.searching.ranked_answers import answer_question, combine_one
from indexes.searching.ranking import Wanted, rank_rows
from indexes.searching.targets import Scope, Target, TargetFinder
from indexes.segments.view import SegmentView
from indexes.snapshots.aliases import AliasMove, move_alias, read_alias

_log = get_logger()


class SearchUnderTest:
    """The product's search, chunk by chunk and whatever the groups, as the gate tries it."""

    def __init__(self) -> None:
        self._now: tuple[Sequence[SegmentView], tuple[Target, ...]] | None = None

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

    def search_hybrid(
        self, segments: Sequence[SegmentView], text: str, vector: npt.NDArray[np.float32], *, k: int
    ) -> list[RankedRow]:
        """Return the documents that both channels find best, as planned, of the latest state."""
        targets = self._find_now(segments)
        dense = DenseChannel(targets, DenseQuery(vector, dim=len(vector)))
        source = LocalSource(targets, [dense, LexicalChannel(targets, find_query_terms(text))])
        request = SearchRequest(query=text, k=k, mode=SearchMode.HYBRID)
        ranked = answer_question(source, request, dense_weight=DENSE_WEIGHT)
        return [RankedRow(chunk_id=item.chunk_id, similarity=item.score) for item in ranked]

    def _find_now(self, segments: Sequence[SegmentView]) -> tuple[Target, ...]:
        """Return the rows of the latest state; masks are kept, as in the product."""
        if self._now is None or self._now[0] is not segments:
            finder = TargetFinder(segments)
            self._now = (segments, finder.find(Scope(as_of=None, principal=None)))
        return self._now[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotGate:
    """What a snapshot passes before an alias moves to it.

    Attributes:
        cache: folder for copies of segments of remote stores.
        budgets: what a snapshot may take.
    """

    cache: Path
    budgets: Budgets

    @classmethod
    def choose(cls, gate: GateSettings, *, cache: Path) -> SnapshotGate:
        """Return the gate that these settings set."""
        budgets = Budgets(max_row_bytes=gate.max_row_bytes, max_search_ms=gate.max_search_ms)
        return cls(cache=cache, budgets=budgets)

    def try_snapshot(self, store: Store, manifest: SnapshotManifest) -> GateReport:
        """Run the gate on a snapshot, keep its report and return it."""
        collection, started = Collection(store, manifest.collection.name), time.monotonic()
        report = run_gate(
            collection,
            manifest.snapshot_id,
            search=SearchUnderTest(),
            cache=self.cache,
            budgets=self.budgets,
        )
        _log_gate(manifest, report, elapsed_s=time.monotonic() - started)
        store_gate_report(collection, report)
        return report

    def publish(
        self, store: Store, manifest: SnapshotManifest, *, alias: str, expected: str | None, reason: str
    ) -> AliasEntry:
        """Try a snapshot, and move the alias to it if it passed.

        A snapshot the alias already points to stays where it is.

        Args:
            store: where the collection lies.
            manifest: of the snapshot.
            alias: the name that moves.
            expected: snapshot the alias must point to now; `None` where it must not exist yet.
            reason: `publish`, with the run or request that does it.

        Raises:
            GateError: it did not pass; the alias stays.
            ConflictError: somebody else moved the alias meanwhile.
        """
        collection, snapshot = Collection(store, manifest.collection.name), manifest.snapshot_id
        self.try_snapshot(store, manifest).require_passed()
        current = read_alias(collection, alias)
        if current is not None and current.snapshot == snapshot:
            return current
        now = time.time_ns() // 1000
        move = AliasMove(expected=expected, snapshot=snapshot, reason=reason, now=now)
        return move_alias(collection, alias, move=move)


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


def _find_known(segments: Sequence[SegmentView], as_of: int) -> tuple[Target, ...]:
    return TargetFinder(segments).find(Scope(as_of=as_of, principal=None))


def _rank(targets: Sequence[Target], channel: Channel, k: int) -> list[RankedRow]:
    ranked = rank_rows(LocalSource(targets, [channel]), combine_one, Wanted(k=k))
    return [RankedRow(chunk_id=item.chunk_id, similarity=item.score) for item in ranked]
