"""Looks at a served world that are no searches: documents, counts of values, batches; judged by its rows."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from benchmarks.differential_world import Row
from benchmarks.http_callers import HttpCaller
from benchmarks.http_client import Answer
from benchmarks.http_searches import SearchAsked, draw_like, draw_search, judge_search, read_missing
from benchmarks.http_verdicts import SOUND, Scene, Verdict, is_visible

COLUMNS: Final = ("ticker", "year", "is_open", "zone")
_ALL: Final = 100


def draw_document(scene: Scene, caller: HttpCaller, drawn: random.Random) -> SearchAsked:
    """Ask for a document, which the caller may often not see; `request.like` names it."""
    return draw_like(scene, caller, drawn)


def name_document(asked: SearchAsked) -> str:
    """Return the query string that asks for it."""
    given = {"doc_id": asked.request.like, **{key: asked.body.get(key) for key in ("as_of", "snapshot")}}
    return urlencode({key: value for key, value in given.items() if value})


def judge_document(scene: Scene, asked: SearchAsked, answer: Answer) -> Verdict:
    """Return what is wrong with a document, or with the answer that there is none."""
    pinned, wanted = asked.body.get("snapshot"), asked.request.like
    if answer.status == 404:
        states = [scene.world.states[pinned]] if pinned else list(scene.world.states.values())
        if all(_list_own(state.rows, asked) for state in states):
            return Verdict(difference=f"{wanted} is not found")
        same = read_missing(answer, wanted) == scene.missing
        return SOUND if same else Verdict(leak=f"hidden and missing differ: {answer.body!r}")
    told = answer.read()
    rows = _find_rows(scene, asked, told)
    if rows is None:
        return Verdict(difference=f"answered from {told['snapshot']}")
    expected = {row.chunk_id: row.text for row in _list_own(rows, asked)}
    found = {int(chunk["chunk_id"]): chunk["text"] for chunk in told["chunks"]}
    if found.keys() - expected.keys():
        return Verdict(leak=f"{wanted} shows {sorted(found.keys() - expected.keys())}")
    return SOUND if found == expected else Verdict(difference=f"{wanted} shows other chunks")


def draw_counts(scene: Scene, caller: HttpCaller, drawn: random.Random) -> tuple[SearchAsked, dict[str, Any]]:
    """Draw a column to count, and return who counts with what is sent."""
    asked = draw_search(replace(scene, asked=[]), caller, drawn)
    body = {key: asked.body[key] for key in ("as_of", "filter", "snapshot") if key in asked.body}
    return asked, {**body, "column": drawn.choice(COLUMNS), "n": _ALL}


def judge_counts(scene: Scene, asked: SearchAsked, column: str, answer: Answer) -> Verdict:
    """Return what is wrong with counts: documents by each value among the visible rows."""
    told = answer.read()
    state = scene.world.states.get(told["snapshot"])
    if state is None or asked.body.get("snapshot", told["snapshot"]) != told["snapshot"]:
        return Verdict(difference=f"answered from {told['snapshot']}")
    owners: dict[Any, set[str]] = defaultdict(set)
    for row in state.oracle.find_visible(asked.request):
        value = row.zone if column == "zone" else row.attributes.get(column)
        if value is not None:
            owners[value].add(row.doc_id)
    expected = {value: len(names) for value, names in owners.items()}
    found = {item["value"]: item["documents"] for item in told["values"]}
    if found == expected:
        return SOUND
    more = {value: n for value, n in found.items() if n > expected.get(value, 0)}
    return Verdict(leak=f"{column} counts {more}") if more else Verdict(difference=f"{column} counts less")


def draw_batch(scene: Scene, caller: HttpCaller, drawn: random.Random) -> tuple[list[SearchAsked], str]:
    """Draw questions of one time, and the snapshot that must answer them all; empty for the alias's."""
    first, *others = (
        draw_search(replace(scene, asked=[]), caller, drawn) for _ in range(drawn.randrange(1, 5))
    )
    moment, snapshot = first.body.get("as_of"), first.body.get("snapshot", "")
    asked = []
    for question in (first, *others):
        body = {
            key: value for key, value in question.body.items() if key not in ("as_of", "snapshot", "explain")
        }
        request = replace(question.request, as_of=first.request.as_of)
        asked.append(SearchAsked(body=body | ({"as_of": moment} if moment else {}), request=request))
    return asked, snapshot


def judge_batch(scene: Scene, asked: list[SearchAsked], answer: Answer) -> Verdict:
    """Return what is wrong with the answers of a batch, the first of them."""
    told = answer.read()
    for question, shown in zip(asked, told["answers"], strict=True):
        if shown["snapshot"] != told["snapshot"]:
            return Verdict(difference="the answers are of several snapshots")
        verdict = judge_search(scene, question, replace(answer, body=json.dumps(shown).encode()))
        if verdict != SOUND:
            return verdict
    return SOUND


def _find_rows(scene: Scene, asked: SearchAsked, told: Mapping[str, Any]) -> dict[int, Row] | None:
    snapshot = told["snapshot"]
    state = scene.world.states.get(snapshot)
    return state.rows if state and asked.body.get("snapshot", snapshot) == snapshot else None


def _list_own(rows: Mapping[int, Row], asked: SearchAsked) -> list[Row]:
    return [row for row in rows.values() if row.doc_id == asked.request.like and is_visible(row, asked)]
