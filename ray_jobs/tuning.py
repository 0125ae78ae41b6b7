"""Tune a collection: read judged questions, fit the weights of hybrid search, publish them if they help."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from eagleray.contracts.hits import Ranking, SearchRequest
from eagleray.contracts.ports import Store
from eagleray.contracts.principals import Principal
from eagleray.contracts.times import parse_instant
from eagleray.embedders import open_embedder
from eagleray.embedders.remembering import RememberingEmbedder
from eagleray.errors import EagleRayError, InputError
from eagleray.settings import Settings
from indexes.evaluation.fitting import Fit, JudgedQuestion, fit_ranking
from indexes.gating import gate_and_move
from indexes.masks.grammar import parse_filter
from indexes.searching.weights import choose_weights
from indexes.service import open_searcher
from indexes.snapshots.catalog import load_snapshot, put_snapshot, resolve
from ray_jobs.positions import copy_positions

_KEYS = ("query", "relevant", "as_of", "where", "groups")


def read_questions(path: Path) -> list[JudgedQuestion]:
    """Return the judged questions of a JSON Lines file.

    Each line has `query` and `relevant`: a document's id, a list of them, or an object of ids and grades;
    if wanted `as_of`, `where` and `groups`, as a search takes them.

    Raises:
        InputError: the file cannot be read, or a line is something else; names it.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(detail=f"{path}: expected a file of judged questions, found {error}") from error
    return list(_read_lines(path, lines))


def _read_lines(path: Path, lines: list[str]) -> Iterator[JudgedQuestion]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield _read_question(json.loads(line))
        except (ValueError, TypeError, EagleRayError) as error:
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


def tune_collection(
    settings: Settings, *, questions: Path, alias: str, is_dry: bool, store: Store
) -> dict[str, Any]:
    """Fit the weights to the questions; where they help, publish a snapshot that has them.

    Args:
        settings: name the collection and the model.
        questions: JSON Lines file (`read_questions`).
        alias: whose snapshot is tuned, and which moves.
        is_dry: whether the result is only told.
        store: where the collection lies.

    Raises:
        InputError: the questions cannot be used.
        ConflictError: somebody else published meanwhile; run it again.
        GateError: the new snapshot did not pass; it stays unpublished.
    """
    judged = read_questions(questions)
    snapshot = resolve(store, settings.collection, alias)
    before = load_snapshot(store, settings.collection, snapshot)
    embedder = RememberingEmbedder(open_embedder(settings.embedder))
    engine = open_searcher(settings, snapshot=snapshot, embedder=embedder)
    weights = choose_weights(Ranking(), before.ranking)
    start = Ranking(dense_weight=weights.dense, boosts=weights.boosts)
    fit = fit_ranking(engine.search, judged, start=start)
    report = _tell(fit, snapshot)
    if is_dry or not fit.is_better:
        return report
    manifest = replace(before, ranking=fit.ranking, parent=snapshot)
    put_snapshot(store, manifest)
    copy_positions(store, settings.collection, snapshot, manifest.snapshot_id)
    moved = gate_and_move(store, manifest, alias=alias, expected=snapshot, reason="tune", settings=settings)
    return {**report, "snapshot": manifest.snapshot_id, "published": moved.sequence}


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
