"""Calibrate a snapshot: learn from questions made of its own rows which of its answers are relevant."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from eagleray.contracts.manifests import FittedRelevance, RelevanceWeights, SnapshotManifest
from eagleray.contracts.ports import SearchEngine
from eagleray.contracts.principals import Principal
from eagleray.contracts.services import CalibrateRequest
from eagleray.errors import InputError
from indexes.evaluation.known_items import select_visible
from indexes.evaluation.relevance_fitting import (
    LEAST_QUESTIONS,
    Samples,
    fit_weights,
    gather_samples,
    judge_weights,
)
from indexes.evaluation.relevance_questions import make_own_questions
from indexes.fusion.relevance import BY_BOTH, BY_WORDS
from indexes.snapshots.opened import OpenSnapshot

N_QUESTIONS: Final = 400
"""Questions made where nobody says how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedSnapshot:
    """What calibrating came to.

    Attributes:
        report: of the fit, as JSON holds it.
        manifest: of the snapshot with the fitted relevance; `None` where it is only told.
    """

    report: dict[str, Any]
    manifest: SnapshotManifest | None


def check_calibration(request: CalibrateRequest) -> None:
    """Check that enough questions are wanted.

    Raises:
        InputError: they are too few.
    """
    n = request.n_questions
    if n is not None and n < LEAST_QUESTIONS:
        raise InputError(detail=f"relevance needs at least {LEAST_QUESTIONS} questions, found {n}")


def calibrate_snapshot(
    opened: OpenSnapshot, engine: SearchEngine, request: CalibrateRequest
) -> CalibratedSnapshot:
    """Fit relevance to questions made of a snapshot's rows, and describe a snapshot that has it.

    Args:
        opened: the snapshot that is calibrated.
        engine: that searches it.
        request: which questions.

    Raises:
        InputError: too few questions can be made.
    """
    principal = Principal(subject="calibration", groups=request.groups)
    questions = make_own_questions(
        opened.segments,
        snapshot=opened.snapshot_id,
        principal=principal,
        n=N_QUESTIONS if request.n_questions is None else request.n_questions,
    )
    if len(questions) < LEAST_QUESTIONS:
        detail = (
            f"the rows that this caller may see make {len(questions)} questions, relevance needs "
            f"{LEAST_QUESTIONS}; name groups that may read more"
        )
        raise InputError(detail=detail)
    seen, unseen = gather_samples(engine.search, questions, principal=principal)
    fitted = FittedRelevance(
        by_both=fit_weights(seen, start=BY_BOTH, is_dense=True),
        by_words=fit_weights(seen, start=BY_WORDS, is_dense=False),
        n_questions=len(seen.answered),
        known_until=_find_last_known(opened, principal),
    )
    report = {
        "snapshot": opened.snapshot_id,
        "questions_fitted": fitted.n_questions,
        "questions_unseen": len(unseen.answered),
        "by_both": _tell(unseen, fitted.by_both, before=BY_BOTH),
        "by_words": _tell(unseen, fitted.by_words, before=BY_WORDS),
    }
    if request.is_dry:
        return CalibratedSnapshot(report=report, manifest=None)
    manifest = replace(opened.manifest, relevance=fitted, parent=opened.snapshot_id)
    return CalibratedSnapshot(report=report, manifest=manifest)


def _find_last_known(opened: OpenSnapshot, principal: Principal) -> int:
    """Return when the last of the rows became known that the questions were made of, microseconds."""
    found = []
    for view in opened.segments:
        for rows in select_visible(view, principal).iterate_rows(view.n_rows):
            found.append(int(view.known_from[rows].max()))
    return max(found)


def _tell(unseen: Samples, weights: RelevanceWeights, *, before: RelevanceWeights) -> dict[str, Any]:
    told = {name: round(share, 3) for name, share in asdict(judge_weights(unseen, weights)).items()}
    untold = {name: round(share, 3) for name, share in asdict(judge_weights(unseen, before)).items()}
    return {"weights": asdict(weights), "unseen": told, "unseen_before": untold}
