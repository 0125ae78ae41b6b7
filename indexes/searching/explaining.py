"""How an answer came about, told from what was done and not from what was meant to be."""

from __future__ import annotations

from collections.abc import Sequence

from eagleray.contracts.hits import Explanation, PlanKind, SearchRequest, SegmentExplanation
from indexes.lexical.bm25 import Statistics
from indexes.planning.plans import Plan, plan_search
from indexes.searching.channels import DenseChannel
from indexes.searching.targets import Target


def explain(
    snapshot: str,
    request: SearchRequest,
    targets: Sequence[Target],
    *,
    dense: DenseChannel | None,
    statistics: Statistics,
    laps: dict[str, float],
) -> Explanation:
    """Return the explanation of an answer.

    Args:
        snapshot: its id.
        request: what was asked.
        targets: one a segment.
        dense: the dense channel after its search, or `None` where only words counted.
        statistics: of BM25, over all targets.
        laps: milliseconds by step.
    """
    plans = dense.plans if dense is not None else [_plan_words(target, k=request.k) for target in targets]
    segments = tuple(_explain(target, plan) for target, plan in zip(targets, plans, strict=True))
    return Explanation(
        snapshot=snapshot,
        as_of=request.as_of,
        is_exact=all(segment.plan is not PlanKind.APPROXIMATE for segment in segments),
        segments=segments,
        document_frequencies=dict(statistics.frequencies),
        n_visible=statistics.n_rows,
        average_length=statistics.average_length,
        timings_ms=laps,
    )


def _plan_words(target: Target, *, k: int) -> Plan:
    """Return the plan of a search by words, which is always exact."""
    return plan_search(target.selection, k=k, index=None, efforts=())


def _explain(target: Target, plan: Plan) -> SegmentExplanation:
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
