from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.times import OPEN_END
from eagleray.errors import GateError, IntegrityError
from indexes.evaluation import soundness
from indexes.evaluation.brute_force import RankedRow, find_neighbours, rebuild_as_of
from indexes.evaluation.budgets import Budgets
from indexes.evaluation.gate import is_same_ranking, run_gate
from indexes.evaluation.probes import GateSample
from indexes.evaluation.reports import GateReport, load_gate_report, store_gate_report
from indexes.segments.segment_files import list_texts
from indexes.snapshots.catalog import load_snapshot, put_collection, put_snapshot
from indexes.snapshots.opened import open_snapshot
from indexes.storage.local import LocalStore
from tests.small_collections import (
    DAY,
    SPEC,
    make_manifest,
    make_rows,
    make_vectors,
    put_changes,
    put_segment,
    put_small_snapshot,
)

NAMES = ["digests", "opening", "counts", "intervals", "self_match", "as_of", "recall", "size", "latency"]
SAMPLE = GateSample(n_probes=12, n_instants=4, k=5)


class PlainSearch:
    """A slow search by definition: word counts weighted by rarity among the visible rows."""

    def search_dense(self, segments, vector, *, as_of, k):
        return find_neighbours(segments, vector[None], instants=np.array([as_of]), k=k)[0]

    def search_lexical(self, segments, text, *, as_of, k):
        rows = self.list_rows(segments, as_of)
        frequencies = Counter(word for _, words in rows for word in set(words))
        scored = [
            (-sum(words.count(word) / frequencies[word] for word in text.split() if word in words), chunk_id)
            for chunk_id, words in rows
        ]
        best = sorted(item for item in scored if item[0] < 0)[:k]
        return [RankedRow(chunk_id=chunk_id, similarity=-score) for score, chunk_id in best]

    def search_hybrid(self, segments, text, vector, *, k):
        return self.search_dense(segments, vector, as_of=OPEN_END - 1, k=k)

    def list_rows(self, segments, as_of):
        return [
            (int(view.chunk_ids[row]), text.split())
            for view in segments
            for row, text in enumerate(list_texts(view.rows))
            if view.known_from[row] <= as_of < view.known_to[row]
        ]


class IgnoresClosing(PlainSearch):
    """Forgets `known_to` in the dense channel."""

    def search_dense(self, segments, vector, *, as_of, k):
        opened = [replace(view, known_to=np.full(view.n_rows, OPEN_END)) for view in segments]
        return super().search_dense(opened, vector, as_of=as_of, k=k)


class CountsTheFuture(PlainSearch):
    """Returns visible rows only, with word statistics of the whole corpus."""

    def search_lexical(self, segments, text, *, as_of, k):
        visible = {chunk_id for chunk_id, _ in self.list_rows(segments, as_of)}
        every = [replace(view, known_from=view.known_from * 0) for view in segments]
        found = super().search_lexical(every, text, as_of=as_of, k=1000)
        return [row for row in found if row.chunk_id in visible][:k]


class FindsNothing(PlainSearch):
    """Has an empty lexical channel."""

    def search_lexical(self, segments, text, *, as_of, k):
        return []


class SwapsTwo(PlainSearch):
    """Returns the second best first."""

    def search_dense(self, segments, vector, *, as_of, k):
        best = super().search_dense(segments, vector, as_of=as_of, k=k)
        return [*best[1:2], *best[:1], *best[2:]]


@pytest.fixture
def store(tmp_path):
    return LocalStore(tmp_path)


def check(store, snapshot, search=None):
    return run_gate(Collection(store, SPEC.name), snapshot, search=search or PlainSearch(), sample=SAMPLE)


def find_failures(report):
    return [item.name for item in report.checks if not item.passed]


def test_a_sound_snapshot_passes_every_check_the_same_way_twice(store):
    snapshot = put_small_snapshot(store)
    report = check(store, snapshot)
    assert [item.name for item in report.checks] == NAMES
    assert find_failures(report) == []
    assert report.passed
    assert check(store, snapshot) == report
    figures = report.checks[NAMES.index("as_of")].figures
    assert figures["n_lexical_hits"] > 0
    assert figures["n_instants"] > 1


def test_a_snapshot_over_its_budget_fails_and_names_the_setting(store):
    snapshot = put_small_snapshot(store)
    for budgets, name in (
        (Budgets(max_row_bytes=10), "size"),
        (Budgets(max_search_ms=1e-9), "latency"),
    ):
        report = run_gate(
            Collection(store, SPEC.name), snapshot, search=PlainSearch(), sample=SAMPLE, budgets=budgets
        )
        assert find_failures(report) == [name]
        with pytest.raises(GateError, match="EAGLERAY_GATE__MAX_"):
            report.require_passed()
    roomy = Budgets(max_row_bytes=1 << 30, max_search_ms=1e9)
    report = run_gate(
        Collection(store, SPEC.name), snapshot, search=PlainSearch(), sample=SAMPLE, budgets=roomy
    )
    assert find_failures(report) == []
    figures = {check.name: check.figures for check in report.checks}
    files = [item for item in store.list(SPEC.name) if "/segments/" in item.path]
    assert figures["size"]["row_bytes"] > sum(item.size_bytes for item in files) / 1000
    assert 0.0 < figures["latency"]["p50_ms"] <= figures["latency"]["p95_ms"]


@pytest.mark.parametrize("search", [IgnoresClosing(), CountsTheFuture(), FindsNothing(), SwapsTwo()])
def test_a_search_that_is_wrong_about_the_past_fails(store, search):
    assert find_failures(check(store, put_small_snapshot(store), search)) == ["as_of"]


def test_a_damaged_snapshot_fails_before_anything_is_opened(store):
    snapshot = put_small_snapshot(store)
    path = next(item.path for item in store.list(SPEC.name) if item.path.endswith("vectors.npy"))
    store.write(path, store.read(path)[:-1] + b"\x00")
    report = check(store, snapshot)
    assert find_failures(report) == ["digests"]
    assert path in report.checks[0].detail
    with pytest.raises(GateError, match="digests"):
        report.require_passed()


@pytest.mark.parametrize(
    ("change", "failures"),
    [
        ({"n_rows": 1}, ["opening"]),
        ({"n_documents": 1}, ["counts"]),
        ({"attributes": {}}, ["counts"]),
    ],
)
def test_a_manifest_with_wrong_counts_fails(store, change, failures):
    manifest = replace(load_snapshot(Collection(store, SPEC.name), put_small_snapshot(store)), **change)
    assert find_failures(check(store, put_snapshot(store, manifest))) == failures


def put_segments(store, *parts, patches=()):
    rng = np.random.default_rng(8)
    put_collection(store, SPEC)
    digests = [put_segment(store, rows, make_vectors(rng, len(rows))) for rows in parts]
    digests = [put_changes(store, changes) for changes in patches], digests
    return put_snapshot(store, make_manifest(store, digests[1], patches=digests[0]))


def test_rows_held_by_two_segments_fail(store):
    rows = make_rows(np.random.default_rng(1), n_documents=10, known_from=DAY)
    assert "counts" in find_failures(check(store, put_segments(store, rows, rows[:1])))


def test_a_patch_of_rows_the_snapshot_does_not_hold_fails(store):
    rows = make_rows(np.random.default_rng(1), n_documents=10)
    snapshot = put_segments(store, rows, patches=[[(5, 9, None)]])
    assert find_failures(check(store, snapshot)) == ["counts"]


@pytest.mark.parametrize(
    ("end", "failures"),
    [(9 * DAY, []), (9 * DAY + 1, ["intervals"]), (0, ["intervals", "self_match"])],
)
@pytest.mark.parametrize("at_once", [3, 1 << 20])
def test_versions_of_a_document_must_not_overlap_by_a_microsecond(store, monkeypatch, end, failures, at_once):
    monkeypatch.setattr(soundness, "MAX_ROWS", at_once)
    rng = np.random.default_rng(1)
    old, new = (make_rows(rng, n_documents=10, known_from=start * DAY) for start in (1, 9))
    patch = [(row["chunk_id"], end, None) for row in old]
    assert find_failures(check(store, put_segments(store, old, new, patches=[patch]))) == failures


def test_a_vector_that_is_not_its_own_neighbour_fails(store):
    rng = np.random.default_rng(1)
    rows = make_rows(rng, n_documents=10, known_from=DAY)
    put_collection(store, SPEC)
    vectors = make_vectors(rng, len(rows))
    vectors[:] = vectors[0]
    vectors *= np.linspace(0.9992, 1.0008, len(rows), dtype=np.float32)[:, None]
    segment = put_segment(store, rows, vectors)
    assert "self_match" in find_failures(check(store, put_snapshot(store, make_manifest(store, [segment]))))


def test_an_empty_snapshot_passes(store):
    assert check(store, put_segments(store)).passed


def test_a_report_is_stored_beside_its_snapshot_and_sealed(store):
    snapshot = put_small_snapshot(store)
    assert load_gate_report(Collection(store, SPEC.name), snapshot) is None
    report = check(store, snapshot)
    store_gate_report(Collection(store, SPEC.name), report)
    assert load_gate_report(Collection(store, SPEC.name), snapshot) == report
    path = f"{SPEC.name}/snapshots/{snapshot}.gate.json"
    store.write(path, store.read(path).replace(b'"passed":true', b'"passed":trub', 1))
    with pytest.raises(IntegrityError, match="gate.json"):
        load_gate_report(Collection(store, SPEC.name), snapshot)


def test_a_report_without_checks_has_not_passed():
    with pytest.raises(GateError, match="no check was run"):
        GateReport(snapshot="a", checks=()).require_passed()


def test_a_rebuilt_segment_holds_what_was_visible_and_nothing_else(store, tmp_path):
    segments = open_snapshot(Collection(store, SPEC.name), put_small_snapshot(store)).segments
    for instant in (0, 5 * DAY, 50 * DAY, 60 * DAY - 1, 60 * DAY):
        rebuilt = rebuild_as_of(segments, instant, folder=tmp_path / str(instant))
        visible = {
            (int(view.chunk_ids[row]), text)
            for view in segments
            for row, text in enumerate(view.rows["text"].to_pylist())
            if view.known_from[row] <= instant < view.known_to[row]
        }
        found = [
            (chunk_id, text)
            for view in rebuilt
            for chunk_id, text in zip(view.chunk_ids.tolist(), view.rows["text"].to_pylist(), strict=True)
        ]
        assert sorted(found) == sorted(visible)
        assert all(field.n_rows == view.n_rows for view in rebuilt for field in view.postings.values())


def rank(*pairs):
    return [RankedRow(chunk_id=chunk_id, similarity=similarity) for chunk_id, similarity in pairs]


@pytest.mark.parametrize(
    ("found", "is_same"),
    [
        (rank((1, 0.9), (2, 0.5)), True),
        (rank((2, 0.5), (1, 0.9)), False),
        (rank((1, 0.9), (3, 0.5)), True),
        (rank((1, 0.9), (4, 0.5)), False),
        (rank((1, 0.9), (3, 0.4)), False),
        (rank((1, 0.9), (1, 0.9)), False),
        (rank((1, 0.9)), False),
        ([], False),
    ],
)
def test_rankings_agree_only_where_rows_tie(found, is_same):
    assert is_same_ranking(found, rank((1, 0.9), (2, 0.5)), known={1, 2, 3}) is is_same
