"""The gate: what a snapshot must pass before an alias moves to it.

Everything is sampled from the snapshot's id, so two runs agree. Checks without a search live in
`soundness`; the search under test comes in as an `AsOfSearch`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from eagleray.contracts.collections import Collection
from eagleray.errors import IntegrityError
from indexes.evaluation.brute_force import RankedRow, find_neighbours, rebuild_as_of
from indexes.evaluation.budgets import Budgets, check_latency, check_size
from indexes.evaluation.probes import (
    GateSample,
    Probes,
    make_generator,
    pick_segments,
    sample_instants,
    sample_probes,
)
from indexes.evaluation.recall import check_recall
from indexes.evaluation.reports import GateCheck, GateReport
from indexes.evaluation.soundness import check_counts, check_intervals
from indexes.segments.view import SegmentView
from indexes.snapshots.opened import OpenSnapshot, open_snapshot
from indexes.snapshots.patches import read_patch
from indexes.snapshots.verification import verify_snapshot

MIN_SELF_SIMILARITY: Final = 0.999
"""Similarity a row's vector must have to itself: a unit vector up to storage rounding."""

TOLERANCE: Final = 1e-4
"""Relative difference that the order of float32 additions may make between two similarities."""


MIN_VISIBLE_PROBES: Final = 8
"""From so many visible rows on, their own words must find something."""


class AsOfSearch(Protocol):
    """The search under test, over all rows visible at `as_of`, whatever their groups.

    The methods return at most `k` chunks, best first, ties by the lower chunk_id.
    """

    def search_dense(
        self, segments: Sequence[SegmentView], vector: npt.NDArray[np.float32], *, as_of: int, k: int
    ) -> Sequence[RankedRow]:
        """Return the chunks whose vectors are most similar to `vector`, float32 [dim]."""
        ...

    def search_lexical(
        self, segments: Sequence[SegmentView], text: str, *, as_of: int, k: int
    ) -> Sequence[RankedRow]:
        """Return the chunks that score highest for the words of `text`."""
        ...

    def search_hybrid(
        self, segments: Sequence[SegmentView], text: str, vector: npt.NDArray[np.float32], *, k: int
    ) -> Sequence[RankedRow]:
        """Return the documents that both channels find best in the latest state."""
        ...


def run_gate(
    collection: Collection,
    snapshot: str,
    *,
    search: AsOfSearch,
    cache: Path | None = None,
    sample: GateSample | None = None,
    budgets: Budgets | None = None,
) -> GateReport:
    """Try the snapshot and say what was found; a fault of the snapshot is never an exception.

    Args:
        collection: where it lies.
        snapshot: the snapshot's id.
        search: the search that will serve it.
        cache: folder for copies of remote segments; `None` keeps none.
        sample: how much to try; the defaults if absent.
        budgets: what the snapshot may take; anything if absent.

    Raises:
        StoreError: the store failed.
    """
    sample = sample or GateSample()
    checks = [_check_digests(collection, snapshot)]
    if not checks[0].passed:
        return GateReport(snapshot=snapshot, checks=tuple(checks))
    try:
        opened = open_snapshot(collection, snapshot, cache=cache)
        patches = [read_patch(collection, digest).changes for digest in opened.manifest.patches]
    except IntegrityError as error:
        checks.append(GateCheck(name="opening", passed=False, detail=str(error)))
        return GateReport(snapshot=snapshot, checks=tuple(checks))
    checks.append(GateCheck(name="opening", passed=True, detail=f"segments: {len(opened.segments)}"))
    checks.append(check_counts(opened, patches))
    if opened.segments:
        rng = make_generator(snapshot)
        checks.append(check_intervals(opened.segments))
        checks.append(check_self_match(opened.segments, rng, sample=sample))
        checks.append(check_as_of(opened.segments, rng, search=search, sample=sample))
        checks.append(check_recall(opened.segments, rng, sample=sample))
        checks += _check_budgets(
            opened, checks[0], search=search, budgets=budgets or Budgets(), sample=sample
        )
    return GateReport(snapshot=snapshot, checks=tuple(checks))


def _check_budgets(
    opened: OpenSnapshot, digests: GateCheck, *, search: AsOfSearch, budgets: Budgets, sample: GateSample
) -> list[GateCheck]:
    """Check size and latency; the questions are rows' own words and vectors."""
    probes = sample_probes(opened.segments, make_generator(opened.snapshot_id), n_probes=sample.n_probes)

    def ask(number: int) -> object:
        return search.search_hybrid(opened.segments, probes.texts[number], probes.vectors[number], k=sample.k)

    n_bytes = int(digests.figures["n_bytes"])
    return [
        check_size(n_bytes, opened.n_rows, budgets=budgets),
        check_latency(ask, len(probes.texts), budgets=budgets),
    ]


def check_self_match(
    segments: Sequence[SegmentView], rng: np.random.Generator, *, sample: GateSample
) -> GateCheck:
    """Check that sampled rows' own vectors find them, or an equal row, first."""
    probes = sample_probes(segments, rng, n_probes=sample.n_probes)
    found = find_neighbours(segments, probes.vectors, instants=probes.known_from, k=1)
    best = np.array([rows[0].similarity if rows else -1.0 for rows in found])
    own = np.einsum("ij,ij->i", probes.vectors, probes.vectors)
    is_off = (best < MIN_SELF_SIMILARITY) | (own < best - TOLERANCE)
    figures: dict[str, int | float] = {
        "n_probes": len(best),
        "n_failed": int(np.count_nonzero(is_off)),
        "min_similarity": round(float(best.min()), 6),
    }
    detail = f"{figures['n_failed']} of {len(best)} rows are not the best answer to their own vector"
    return GateCheck(name="self_match", passed=not is_off.any(), detail=detail, figures=figures)


def check_as_of(
    segments: Sequence[SegmentView],
    rng: np.random.Generator,
    *,
    search: AsOfSearch,
    sample: GateSample,
) -> GateCheck:
    """Compare answers as of T with those of segments built only from what was known at T.

    Dense answers are compared with brute force over the rebuilt vectors, lexical answers with the
    same search over the rebuilt postings.
    """
    picked = pick_segments(segments, rng, max_rows=sample.max_rows)
    probes = sample_probes(picked, rng, n_probes=sample.n_probes)
    instants = sample_instants(picked, rng, n_instants=sample.n_instants)
    compared = [_compare_at(picked, probes, search=search, as_of=at, k=sample.k) for at in instants]
    n_dense, n_lexical, n_hits, n_visible = (int(total) for total in np.sum(compared, axis=0))
    n_queries = len(instants) * len(probes.texts)
    figures: dict[str, int | float] = {
        "n_instants": len(instants),
        "n_queries": n_queries,
        "n_dense_differences": n_dense,
        "n_lexical_differences": n_lexical,
        "n_lexical_hits": n_hits,
    }
    detail = (
        f"{n_dense} dense and {n_lexical} lexical answers of {n_queries} differ from an index "
        f"of what was known at {len(instants)} instants"
    )
    is_silent = not n_hits and n_visible >= MIN_VISIBLE_PROBES
    if is_silent:
        detail += f"; no lexical answer to the words of {n_visible} visible rows"
    passed = not n_dense + n_lexical and not is_silent
    return GateCheck(name="as_of", passed=passed, detail=detail, figures=figures)


def _compare_at(
    segments: Sequence[SegmentView], probes: Probes, *, search: AsOfSearch, as_of: int, k: int
) -> tuple[int, int, int, int]:
    """Return dense differences, lexical differences, lexical hits, and probes visible at `as_of`."""
    with tempfile.TemporaryDirectory(prefix="eagleray-gate-") as name:
        rebuilt = rebuild_as_of(segments, as_of, folder=Path(name))
        return _compare(segments, rebuilt, probes, search=search, as_of=as_of, k=k)


def _compare(
    segments: Sequence[SegmentView],
    rebuilt: Sequence[SegmentView],
    probes: Probes,
    *,
    search: AsOfSearch,
    as_of: int,
    k: int,
) -> tuple[int, int, int, int]:
    known = {chunk_id for segment in rebuilt for chunk_id in segment.chunk_ids.tolist()}
    moments = np.full(len(probes.vectors), as_of, dtype=np.int64)
    neighbours = find_neighbours(rebuilt, probes.vectors, instants=moments, k=k)
    n_dense = n_lexical = n_hits = 0
    for vector, expected in zip(probes.vectors, neighbours, strict=True):
        found = search.search_dense(segments, vector, as_of=as_of, k=k)
        n_dense += not is_same_ranking(found, expected, known=known)
    for text in probes.texts:
        wanted = search.search_lexical(rebuilt, text, as_of=as_of, k=k)
        found = search.search_lexical(segments, text, as_of=as_of, k=k)
        n_lexical += not is_same_ranking(found, wanted, known=known)
        n_hits += len(wanted)
    return n_dense, n_lexical, n_hits, sum(row in known for row in probes.chunk_ids.tolist())


def is_same_ranking(
    found: Sequence[RankedRow], expected: Sequence[RankedRow], *, known: Container[int]
) -> bool:
    """Return whether two rankings agree up to rounding: rows may swap only where they tie.

    Args:
        found: what the search under test returned.
        expected: what it must return.
        known: chunk_ids that were visible; one of these that `expected` cut off must tie with the
            last row that it kept.
    """
    similarities = {row.chunk_id: row.similarity for row in expected}
    if len(found) != len(expected) or len({row.chunk_id for row in found}) != len(found):
        return False
    if any(row.chunk_id not in known for row in found):
        return False
    for one, other in zip(found, expected, strict=True):
        own = similarities.get(one.chunk_id, expected[-1].similarity)
        if not (_is_close(one.similarity, other.similarity) and _is_close(one.similarity, own)):
            return False
    return True


def _check_digests(collection: Collection, snapshot: str) -> GateCheck:
    report = verify_snapshot(collection, snapshot)
    figures: dict[str, int | float] = {
        "n_files": report.n_files,
        "n_bytes": report.n_bytes,
        "n_findings": len(report.findings),
    }
    named = ", ".join(finding.path for finding in report.findings[:5])
    detail = f"{len(report.findings)} faults: {named}" if named else f"{report.n_files} files as written"
    return GateCheck(name="digests", passed=report.is_sound, detail=detail, figures=figures)


def _is_close(first: float, second: float) -> bool:
    return abs(first - second) <= TOLERANCE * max(1.0, abs(second))
