"""Does the approximate search find what brute force finds, slice by slice?

Queries are the codebook's held-out probes, which no effort was learnt from. A slice is a mask as users
have them: now, as of an instant, what one group may read, and rows by chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from eagleray.contracts.hits import PlanKind
from eagleray.contracts.ports import FloatMatrix
from eagleray.contracts.principals import Principal
from eagleray.contracts.times import format_micros
from indexes.dense.contracts import Effort
from indexes.dense.ivf import IvfIndex
from indexes.dense.queries import DenseQuery
from indexes.evaluation.probes import GateSample, pick_segments, sample_instants
from indexes.evaluation.reports import GateCheck
from indexes.masks.timelines import Timeline
from indexes.masks.visibility import select_readable
from indexes.planning.efforts import K, bound_recall, list_held_out
from indexes.planning.plans import plan_search
from indexes.segments.view import SegmentView
from indexes.selections import Selection, select_mask

MIN_RECALL: Final = 0.98
"""What the lower bound (Wilson, 95 %) of the recall of each slice must reach."""

MIN_NEIGHBOURS: Final = 1_000
"""Neighbours below which the recall itself must reach it: of so few no bound could."""

_BLOCK_ROWS: Final = 32_768
_ROUNDING: Final = 1e-5
_MAX_GROUPS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceRecall:
    """What was found of one slice.

    Attributes:
        name: `now`, `as of <time>`, `group <name>` or `1 row in <n>`.
        selectivity: share of the segment's rows.
        n_true: neighbours there are.
        n_found: neighbours that came back.
    """

    name: str
    selectivity: float
    n_true: int
    n_found: int

    @property
    def bound(self) -> float:
        """Lower bound of the recall; the recall itself where there are few neighbours."""
        if self.n_true < MIN_NEIGHBOURS:
            return self.n_found / self.n_true if self.n_true else 1.0
        return bound_recall(self.n_found, self.n_true)


def check_recall(
    segments: Sequence[SegmentView], rng: np.random.Generator, *, sample: GateSample
) -> GateCheck:
    """Measure the recall of each slice of a sample of the segments that have inverted lists."""
    indexed = [segment for segment in segments if segment.inverted is not None]
    if not indexed:
        return GateCheck(name="recall", passed=True, detail="every search compares all visible vectors")
    picked = pick_segments(indexed, rng, max_rows=sample.max_rows)
    found = _add_up(item for segment in picked for item in measure_slices(segment, rng, sample=sample))
    weak = [item for item in found if item.bound < MIN_RECALL]
    figures: dict[str, int | float] = {
        "n_slices": len(found),
        "n_neighbours": sum(item.n_true for item in found),
        "min_bound": round(min((item.bound for item in found), default=1.0), 4),
    }
    figures |= {f"recall {item.name}": round(item.n_found / max(1, item.n_true), 4) for item in found}
    told = ", ".join(f"{item.name}: {item.bound:.4f}" for item in weak)
    detail = (
        f"lower bounds under {MIN_RECALL}: {told}; learn from more probes, or raise EAGLERAY_INDEX__N_LISTS"
        if weak
        else f"{len(found)} approximate slices, the least with a bound of {figures['min_bound']}"
    )
    return GateCheck(name="recall", passed=not weak, detail=detail, figures=figures)


def _add_up(measured: Iterable[SliceRecall]) -> list[SliceRecall]:
    """Return one of each name: what was found of it in all segments; the selectivity is the first's."""
    found: dict[str, SliceRecall] = {}
    for item in measured:
        before = found.get(item.name, replace(item, n_true=0, n_found=0))
        n_true, n_found = before.n_true + item.n_true, before.n_found + item.n_found
        found[item.name] = replace(before, n_true=n_true, n_found=n_found)
    return list(found.values())


def measure_slices(
    segment: SegmentView, rng: np.random.Generator, *, sample: GateSample
) -> Iterator[SliceRecall]:
    """Yield the recall of each slice of a segment that is searched approximately."""
    index = segment.inverted
    if index is None:
        return
    queries = list_held_out(index.codebook.probes)
    for name, selection in _list_slices(segment, rng, sample=sample):
        plan = plan_search(selection, k=K, index=index, efforts=segment.efforts)
        if plan.kind is not PlanKind.APPROXIMATE:
            continue
        least = find_least(segment.vectors, queries, selection)
        n_found = sum(
            _count_found(index, query, selection=selection, effort=plan.effort, least=float(bound))
            for query, bound in zip(queries, least, strict=True)
        )
        n_true = len(queries) * min(K, selection.n_selected)
        share = selection.n_selected / selection.n_rows
        yield SliceRecall(name=name, selectivity=share, n_true=n_true, n_found=n_found)


def find_least(vectors: FloatMatrix, queries: FloatMatrix, selection: Selection) -> npt.NDArray[np.float32]:
    """Return the similarity of each query's k-th neighbour among the selected rows: float32 [n_queries]."""
    best = np.full((len(queries), K), -np.inf, dtype=np.float32)
    for rows in selection.iterate_rows(_BLOCK_ROWS):
        found = np.concatenate([best, queries @ vectors[rows].T], axis=1)
        best = -np.partition(-found, K - 1, axis=1)[:, :K]
    least: npt.NDArray[np.float32] = np.where(np.isfinite(best), best, np.inf).min(axis=1)
    return least


def _count_found(
    index: IvfIndex,
    query: npt.NDArray[np.float32],
    *,
    selection: Selection,
    effort: Effort,
    least: float,
) -> int:
    """Return how many true neighbours a search as planned finds."""
    asked = DenseQuery(query, dim=len(query))
    found = index.search(asked, k=K, selection=selection, effort=effort)
    return int(np.count_nonzero(found.similarities >= least - _ROUNDING))


def _list_slices(
    segment: SegmentView, rng: np.random.Generator, *, sample: GateSample
) -> Iterator[tuple[str, Selection]]:
    timeline = Timeline(segment.known_from, segment.known_to)
    now = timeline.select(None)
    yield "now", now
    for instant in sample_instants([segment], rng, n_instants=sample.n_instants):
        yield f"as of {format_micros(instant)}", timeline.select(instant)
    sizes = np.bitwise_count(segment.group_bits).sum(axis=1)
    for number in np.argsort(-sizes[1:], kind="stable")[:_MAX_GROUPS] + 1:
        name = segment.group_names[number]
        bits = select_readable(segment, Principal(subject="gate", groups=frozenset({name})))
        yield f"group {name}", now.restrict(bits)
    for one_in in (3, 10):
        chosen = select_mask(rng.random(segment.n_rows) < 1.0 / one_in)
        yield f"1 row in {one_in}", chosen
