"""What a search did in a segment, told from what was done and not from what was meant to be."""

from __future__ import annotations

from eagleray.contracts.hits import PlanKind, SegmentExplanation
from indexes.planning.plans import Plan, plan_search
from indexes.searching.targets import Target


def plan_words(target: Target, *, n: int) -> Plan:
    """Return the plan of a search by words, which is always exact."""
    return plan_search(target.selection, k=n, index=None, efforts=())


def explain_segment(target: Target, plan: Plan) -> SegmentExplanation:
    """Return what a search did in a segment as planned."""
    is_approximate = plan.kind is PlanKind.APPROXIMATE
    return SegmentExplanation(
        segment=target.view.digest,
        plan=plan.kind,
        n_rows=target.view.n_rows,
        n_prefix=target.n_prefix,
        n_selected=target.selection.n_selected,
        n_probes=plan.effort.n_probes if is_approximate else 0,
        n_candidates=plan.effort.n_candidates if is_approximate else 0,
        recall=plan.recall,
    )
