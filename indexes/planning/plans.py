"""How a segment is searched for one mask: nothing, every selected row, or the nearest lists.

The choice weighs what each way costs. Costs are ratios of one machine's times, measured by
`benchmarks.plan_costs`, and constants here, so that a question is planned alike wherever it is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eagleray.contracts.hits import PlanKind
from eagleray.contracts.indexes import LearntEffort
from indexes.dense.contracts import Effort
from indexes.dense.ivf import IvfIndex
from indexes.planning.efforts import K, count_probes
from indexes.selections import Selection

SCATTERED_ROW: Final = 1.0
"""Cost of comparing a stored vector at a place of its own: the unit of all costs."""

PREFIX_ROW: Final = 0.35
"""Cost of a stored vector that follows the one before, or lies in a cache."""

CACHED_ROWS: Final = 2_500
"""Rows of a mask that many questions share which a core's caches hold, at 384 numbers a row: 4 MB."""

CODE: Final = 0.03
"""Cost of one code in a scanned list, whether its row is selected or not."""

LIST: Final = 1.5
"""Cost of turning to one list."""

APPROXIMATE: Final = 150.0
"""Cost of an approximate search before its first list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a segment is searched.

    Attributes:
        effort: of an approximate search; of no account to the others.
        recall: lower bound learnt for it; 1 where the plan is exact.
        cost: in compared vectors.
    """

    kind: PlanKind
    effort: Effort
    recall: float
    cost: float


_EXACT_EFFORT: Final = Effort(n_probes=1, n_candidates=1)


def plan_search(
    selection: Selection, *, k: int, index: IvfIndex | None, efforts: Sequence[LearntEffort]
) -> Plan:
    """Return the cheapest plan.

    Args:
        selection: rows that may be found.
        k: rows wanted.
        index: the segment's index; `None` where it is flat.
        efforts: learnt for this index, the greatest share first.
    """
    if not selection.n_selected:
        return Plan(kind=PlanKind.EMPTY, effort=_EXACT_EFFORT, recall=1.0, cost=0.0)
    exact = _plan_exact(selection)
    if index is None:
        return exact
    approximate = _plan_approximate(selection, k=k, index=index, efforts=efforts, limit=exact.cost)
    return exact if approximate is None else approximate


def _plan_exact(selection: Selection) -> Plan:
    kind = PlanKind.PREFIX if selection.is_prefix else PlanKind.EXACT
    cached = min(selection.n_selected, CACHED_ROWS)
    scattered = cached * PREFIX_ROW + (selection.n_selected - cached) * SCATTERED_ROW
    cost = selection.n_prefix * PREFIX_ROW if selection.is_prefix else scattered
    return Plan(kind=kind, effort=_EXACT_EFFORT, recall=1.0, cost=cost)


def _plan_approximate(
    selection: Selection, *, k: int, index: IvfIndex, efforts: Sequence[LearntEffort], limit: float
) -> Plan | None:
    """Return the approximate plan if it was learnt for so few rows, and costs less than the limit."""
    share = selection.n_selected / selection.n_rows
    learnt = next((item for item in efforts if item.share <= share), None)
    if learnt is None or limit <= APPROXIMATE:
        return None
    n_probes = count_probes(index, selection, learnt.probed)
    n_candidates = learnt.n_candidates * max(k, K)
    scanned = selection.n_rows * n_probes / index.n_lists
    cost = APPROXIMATE + n_probes * LIST + scanned * CODE + n_candidates * SCATTERED_ROW
    if cost >= limit:
        return None
    effort = Effort(n_probes=n_probes, n_candidates=n_candidates)
    return Plan(kind=PlanKind.APPROXIMATE, effort=effort, recall=learnt.recall, cost=cost)
