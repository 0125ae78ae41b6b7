"""Tune a snapshot: take questions, and fit the weights of hybrid search to them.

The questions are those of a file, read here, or known items (`indexes.evaluation.known_items`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from eagleray.contracts.hits import Ranking, SearchRequest
from eagleray.contracts.manifests import SnapshotManifest
from eagleray.contracts.ports import SearchEngine
from eagleray.contracts.principals import Principal
from eagleray.contracts.search_options import explain_old_name
from eagleray.contracts.services import TuneRequest
from eagleray.contracts.times import parse_instant
from eagleray.errors import EagleRayError, InputError
from eagleray.logs import get_logger
from indexes.evaluation.fitting import LEAST_QUESTIONS, Fit, JudgedQuestion, fit_ranking
from indexes.evaluation.known_items import make_known_items
from indexes.masks.grammar import parse_filter
from indexes.searching.weights import choose_weights
from indexes.snapshots.opened import OpenSnapshot

N_KNOWN_ITEMS: Final = 1_000
"""Questions made where nobody says how many: with half as many, chance hides what boosts gain."""

_log = get_logger()

_KEYS = ("query", "relevant", "as_of", "filter", "groups")


def read_questions(path: Path) -> list[JudgedQuestion]:
    """Return the judged questions of a JSON Lines file.

    Each line has `query` and `relevant`: a document's id, a list of them, or an object of ids and grades;
    if wanted `as_of`, `filter` and `groups`, as a search takes them.

    Raises:
        InputError: the file cannot be read, or a line is something else; names it.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(detail=f"{path}: expected a file of judged questions, found {error}") from error
    return list(_read_lines(path, lines))


def _read_lines(path: Path, lines: list[str]) -> Iterator[JudgedQuestion]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
            if isinstance(fields, dict) and "where" in fields.keys() - {"filter"}:
                _log.warning(
                    "old_name_used", source=f"{path}, line {number}", detail=explain_old_name("where")
                )
                fields["filter"] = fields.pop("where")
            yield _read_question(fields)
        except (ValueError, TypeError, RecursionError, EagleRayError) as error:
            raise InputError(detail=f"{path}, line {number}: {error}") from error


def _read_question(fields: Any) -> JudgedQuestion:
    if not isinstance(fields, dict) or not {"query", "relevant"} <= fields.keys() <= set(_KEYS):
        found = ", ".join(map(str, fields)) if isinstance(fields, dict) else type(fields).__name__
        raise ValueError(f"expected an object of {', '.join(_KEYS)}, found {found}")
    wanted, as_of, groups = fields.get("filter"), fields.get("as_of"), fields.get("groups", [])
    request = SearchRequest(
        query=str(fields["query"]),
        as_of=None if as_of is None else parse_instant(as_of),
        filter=parse_filter(wanted) if wanted else None,
        principal=Principal(
            subject="tuning", groups=frozenset([groups] if isinstance(groups, str) else groups)
        ),
    )
    return JudgedQuestion(request=request, relevant=_read_relevant(fields["relevant"]))


def _read_relevant(value: Any) -> Mapping[str, float]:
    if isinstance(value, dict):
        grades = {str(name): float(grade) for name, grade in value.items()}
    else:
        grades = {str(name): 1.0 for name in ([value] if isinstance(value, str) else value)}
    if not any(grade > 0.0 for grade in grades.values()):
        raise ValueError("relevant names no document")
    return grades


def check_request(request: TuneRequest) -> None:
    """Check that it is clear where the questions come from.

    Raises:
        InputError: it is not, or too few known items are wanted.
    """
    n = request.n_known_items
    if request.questions and n is not None:
        raise InputError(detail="weights are fitted to a file of questions or to known items, not to both")
    if request.questions and request.groups:
        detail = "each question of a file names its groups itself; --group is of known items alone"
        raise InputError(detail=detail)
    if n is not None and n < LEAST_QUESTIONS:
        raise InputError(detail=f"weights need at least {LEAST_QUESTIONS} known items, found {n}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What fitting weights came to.

    Attributes:
        report: of the fit, as JSON holds it.
        manifest: of the snapshot with the fitted weights; `None` where they do not help, or are only told.
    """

    report: dict[str, Any]
    manifest: SnapshotManifest | None


def tune_snapshot(opened: OpenSnapshot, engine: SearchEngine, request: TuneRequest) -> Tuning:
    """Fit the weights to the questions; where they help, describe a snapshot that has them.

    Known items hold the dense weight: made of a document's own words, they would always lower it.

    Args:
        opened: the snapshot that is tuned.
        engine: that searches it; the same questions are asked of it many times.
        request: which questions.

    Raises:
        InputError: the questions cannot be used, or too few can be made.
    """
    judged = read_questions(Path(request.questions)) if request.questions else None
    weights = choose_weights(Ranking(), opened.manifest.ranking)
    start = Ranking(dense_weight=weights.dense, boosts=weights.boosts)
    questions = _make_questions(opened, request) if judged is None else judged
    fit = fit_ranking(engine.search, questions, start=start, fits_dense=judged is not None)
    report = {"questions": "known items" if judged is None else "judged", **_tell(fit, opened.snapshot_id)}
    if request.is_dry or not fit.is_better:
        return Tuning(report=report, manifest=None)
    manifest = replace(opened.manifest, ranking=fit.ranking, parent=opened.snapshot_id)
    return Tuning(report=report, manifest=manifest)


def _make_questions(opened: OpenSnapshot, request: TuneRequest) -> list[JudgedQuestion]:
    made = make_known_items(
        opened.segments,
        snapshot=opened.snapshot_id,
        principal=Principal(subject="tuning", groups=request.groups),
        n=N_KNOWN_ITEMS if request.n_known_items is None else request.n_known_items,
    )
    if len(made) < LEAST_QUESTIONS:
        detail = (
            f"the rows that this caller may see make {len(made)} questions, weights need {LEAST_QUESTIONS}; "
            "name groups that may read more, or a file of judged questions"
        )
        raise InputError(detail=detail)
    return made


def _tell(fit: Fit, snapshot: str) -> dict[str, Any]:
    told = {
        "snapshot": snapshot,
        "dense_weight": fit.ranking.dense_weight,
        "boosts": {str(name): weight for name, weight in fit.ranking.boosts.items()},
        "questions_fitted": fit.ranking.n_questions,
        "questions_unseen": fit.n_unseen,
        "ndcg_before": round(fit.before, 4),
        "ndcg_after": round(fit.after, 4),
        "margin": round(fit.margin, 4),
    }
    if not fit.is_better:
        told["message"] = "the weights stay: on unseen questions the fitted ones are not better than chance"
    return told
