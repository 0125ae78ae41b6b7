"""Tune a collection: take questions, fit the weights of hybrid search to them, publish those that help.

The questions are those of a file, read here, or known items (`indexes.evaluation.known_items`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from eagleray.contracts.hits import Ranking, SearchRequest
from eagleray.contracts.ports import Store
from eagleray.contracts.principals import Principal
from eagleray.contracts.services import TuneRequest
from eagleray.contracts.times import parse_instant
from eagleray.embedders import open_embedder
from eagleray.embedders.remembering import RememberingEmbedder
from eagleray.errors import EagleRayError, InputError
from eagleray.settings import Settings
from indexes.evaluation.fitting import LEAST_QUESTIONS, Fit, JudgedQuestion, fit_ranking
from indexes.evaluation.known_items import make_known_items
from indexes.gating import gate_and_move
from indexes.masks.grammar import parse_filter
from indexes.searching.weights import choose_weights
from indexes.service import make_searcher, open_named
from indexes.snapshots.catalog import put_snapshot
from indexes.snapshots.opened import OpenSnapshot
from indexes.snapshots.positions import copy_positions

N_KNOWN_ITEMS: Final = 1_000
"""Questions made where nobody says how many: with half as many, chance hides what boosts gain."""

_KEYS = ("query", "relevant", "as_of", "where", "groups")


def read_questions(path: Path) -> list[JudgedQuestion]:
    """Return the judged questions of a JSON Lines file.

    Each line has `query` and `relevant`: a document's id, a list of them, or an object of ids and grades;
    if wanted `as_of`, `where` and `groups`, as a search takes them.

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
            yield _read_question(json.loads(line))
        except (ValueError, TypeError, RecursionError, EagleRayError) as error:
            raise InputError(detail=f"{path}, line {number}: {error}") from error


def _read_question(fields: Any) -> JudgedQuestion:
    if not isinstance(fields, dict) or not {"query", "relevant"} <= fields.keys() <= set(_KEYS):
        found = ", ".join(map(str, fields)) if isinstance(fields, dict) else type(fields).__name__
        raise ValueError(f"expected an object of {', '.join(_KEYS)}, found {found}")
    where, as_of, groups = fields.get("where"), fields.get("as_of"), fields.get("groups", [])
    request = SearchRequest(
        query=str(fields["query"]),
        as_of=None if as_of is None else parse_instant(as_of),
        filter=parse_filter(where) if where else None,
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


def tune_collection(settings: Settings, request: TuneRequest, *, store: Store) -> dict[str, Any]:
    """Fit the weights to the questions; where they help, publish a snapshot that has them.

    Known items hold the dense weight: made of a document's own words, they would always lower it.

    Args:
        settings: name the collection and the model.
        request: which questions, and which alias.
        store: where the collection lies.

    Raises:
        InputError: the questions cannot be used, or too few can be made.
        ConflictError: somebody else published meanwhile; run it again.
        GateError: the new snapshot did not pass; it stays unpublished.
    """
    check_request(request)
    judged = read_questions(Path(request.questions)) if request.questions else None
    opened = open_named(settings, snapshot=request.alias)
    before, snapshot = opened.manifest, opened.snapshot_id
    embedder = RememberingEmbedder(open_embedder(settings.embedder))
    engine = make_searcher(opened, settings=settings, embedder=embedder)
    weights = choose_weights(Ranking(), before.ranking)
    start = Ranking(dense_weight=weights.dense, boosts=weights.boosts)
    questions = _make_questions(opened, request) if judged is None else judged
    fit = fit_ranking(engine.search, questions, start=start, fits_dense=judged is not None)
    report = {"questions": "known items" if judged is None else "judged", **_tell(fit, snapshot)}
    if request.is_dry or not fit.is_better:
        return report
    manifest = replace(before, ranking=fit.ranking, parent=snapshot)
    put_snapshot(store, manifest)
    copy_positions(store, settings.collection, snapshot, manifest.snapshot_id)
    moved = gate_and_move(
        store, manifest, alias=request.alias, expected=snapshot, reason="tune", settings=settings
    )
    return {**report, "snapshot": manifest.snapshot_id, "published": moved.sequence}


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
