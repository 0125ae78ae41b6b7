"""Searches of a served world: drawn as bodies, and judged by the oracle of the snapshot that answered."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from benchmarks.differential import find_difference, find_leak
from benchmarks.differential_oracle import Expected, Oracle
from benchmarks.differential_world import N_MOMENTS, WORDS
from benchmarks.http_callers import HttpCaller
from benchmarks.http_client import Answer
from benchmarks.http_verdicts import SOUND, Scene, Verdict, is_visible
from benchmarks.http_world import EMBEDDER, State, name_canary
from eagleray.contracts.answers import read_response
from eagleray.contracts.filters import FilterExpression
from eagleray.contracts.hits import Granularity, Hit, Ranking, SearchMode, SearchRequest, SearchResponse
from eagleray.contracts.indexes import TextField
from eagleray.contracts.principals import Principal
from eagleray.contracts.times import format_micros
from indexes.masks.grammar import parse_filter
from indexes.masks.json_filters import read_json_filter

_FILTERS: Final[tuple[str | dict[str, Any], ...]] = (
    "year >= 2019",
    "year < 2021 and is_open = true",
    "not ticker in ('AB', 'XY')",
    {"year": {"gte": 2019}},
    {"ticker": {"in": ["AB", "ABC"]}},
    {"yield": {"lt": 1.0}},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAsked:
    """A search as it is sent, and as the oracle takes it."""

    body: Mapping[str, Any]
    request: SearchRequest

    def ask_as(self, principal: Principal) -> SearchAsked:
        """Return the same question of somebody else."""
        return replace(self, request=replace(self.request, principal=principal))


def draw_search(scene: Scene, caller: HttpCaller, drawn: random.Random) -> SearchAsked:
    """Draw a question; two of five were asked before, mostly by others, so that caches are warm."""
    if scene.asked and drawn.random() < 0.4:
        return drawn.choice(scene.asked[-500:]).ask_as(caller.principal)
    words = drawn.choices(WORDS, k=drawn.randrange(1, 6))
    if drawn.random() < 0.1:
        words.append('"' + " ".join(drawn.choices(WORDS, k=2)) + '"')
    hidden = scene.world.find_hidden(caller.principal.groups, caller.principal.zones)
    is_probing = bool(hidden) and drawn.random() < 0.1
    if is_probing:
        words.append(name_canary(drawn.choice(hidden)))
    asked = _draw_body(scene, {"query": " ".join(words)}, caller, drawn)
    if not is_probing:  # somebody else may read that row
        scene.asked.append(asked)
    return asked


def draw_like(scene: Scene, caller: HttpCaller, drawn: random.Random) -> SearchAsked:
    """Ask for others like a document, which the caller may often not see."""
    rows = drawn.choice(list(scene.world.states.values())).rows
    return _draw_body(scene, {"like": drawn.choice(list(rows.values())).doc_id}, caller, drawn)


def _draw_body(scene: Scene, asked: dict[str, Any], caller: HttpCaller, drawn: random.Random) -> SearchAsked:
    shown: dict[str, Any] = {
        **asked,
        "k": drawn.choice([1, 3, 10, 30, 200]),
        "mode": str(drawn.choice(list(SearchMode))),
        "granularity": str(drawn.choice(list(Granularity))),
        "exact": drawn.random() < 0.3,
        "explain": True,
    }
    as_of = drawn.choice([None, drawn.randrange(N_MOMENTS + 30)])
    written = drawn.choice(_FILTERS) if drawn.random() < 0.4 else None
    snapshot = drawn.choice(list(scene.world.states)) if drawn.random() < 0.3 else ""
    boost = drawn.choice([0.5, 2.0]) if "query" in asked and drawn.random() < 0.15 else None
    weight = drawn.choice([None, None, 0.0, 0.8])
    if as_of is not None:
        shown["as_of"] = format_micros(as_of)
    if written is not None:
        shown["filter"] = written
    if snapshot:
        shown["snapshot"] = snapshot
    shown["ranking"] = {"dense_weight": weight} | ({"boosts": {"title": boost}} if boost else {})
    request = SearchRequest(
        query=shown.get("query", ""),
        like=shown.get("like", ""),
        k=shown["k"],
        mode=SearchMode(shown["mode"]),
        granularity=Granularity(shown["granularity"]),
        as_of=as_of,
        filter=None if written is None else _read_filter(written),
        principal=caller.principal,
        exact=shown["exact"],
        ranking=Ranking(boosts={TextField.TITLE: boost} if boost else None, dense_weight=weight),
    )
    return SearchAsked(body=shown, request=request)


def _read_filter(written: str | dict[str, Any]) -> FilterExpression:
    return parse_filter(written) if isinstance(written, str) else read_json_filter(written)


def judge_search(scene: Scene, asked: SearchAsked, answer: Answer) -> Verdict:
    """Return what is wrong with an answer to a question."""
    told = answer.read()
    state = _find_state(scene, asked, told)
    if state is None:
        return Verdict(difference=f"answered from {told['snapshot']}")
    expected = state.oracle.answer(asked.request, EMBEDDER.embed_queries([asked.request.query])[0])
    return _compare(asked.request, told, expected, state)


def judge_like(scene: Scene, asked: SearchAsked, answer: Answer) -> Verdict:
    """Return what is wrong with others like a document, or with the answer that there is none."""
    wanted = asked.request.like
    pinned = asked.body.get("snapshot")
    states = [scene.world.states[pinned]] if pinned else list(scene.world.states.values())
    if answer.status == 404:
        if all(_list_own(state, asked) for state in states):
            return Verdict(difference=f"{wanted} is not found")
        same = read_missing(answer, wanted) == scene.missing
        return SOUND if same else Verdict(leak=f"hidden and missing differ: {answer.body!r}")
    told = answer.read()
    state = _find_state(scene, asked, told)
    if state is None:
        return Verdict(difference=f"answered from {told['snapshot']}")
    own = _list_own(state, asked)
    if not own:
        return Verdict(leak=f"{wanted} is hidden, and answered")
    others = Oracle([row for row in state.rows.values() if row.doc_id != wanted])
    words: Counter[str] = Counter(word for row in own for word in row.text.split())
    total = np.sum([row.vector.astype(np.float64) for row in own], axis=0)
    vector = (total / np.linalg.norm(total)).astype(np.float32)
    request = replace(asked.request, like="", query=" ".join(words.elements()))
    return _compare(request, told, others.answer(request, vector), state)


def read_missing(answer: Answer, doc_id: str) -> Any:
    """Return an answer without the document's name and what each request has of its own."""
    told = answer.body.replace(f'"{doc_id}"'.encode(), b'"ID"').replace(f"'{doc_id}'".encode(), b"'ID'")
    told = told.replace(f" {doc_id} ".encode(), b" ID ")
    body = replace(answer, body=told).read()
    del body["request_id"]
    lines = answer.head.decode().lower().split("\r\n")
    own = ("date:", "x-request-id:", "content-length:")
    return body, [line for line in lines if not line.startswith(own)]


def _find_state(scene: Scene, asked: SearchAsked, told: Mapping[str, Any]) -> State | None:
    """Return the state that answered; `None` where it is none, or another than was asked for."""
    snapshot = told["snapshot"]
    return scene.world.states.get(snapshot) if asked.body.get("snapshot", snapshot) == snapshot else None


def _list_own(state: State, asked: SearchAsked) -> list[Any]:
    return [
        row
        for _, row in sorted(state.rows.items())
        if row.doc_id == asked.request.like and is_visible(row, asked)
    ]


def _compare(request: SearchRequest, told: Mapping[str, Any], expected: Expected, state: State) -> Verdict:
    response = _tell_exact(read_response(told))
    leak = find_leak(response, expected)
    if leak:
        return Verdict(leak=leak)
    wrong = [hit.chunk_id for hit in response.hits if not _is_row(hit, state)]
    if wrong:
        return Verdict(difference=f"chunks {wrong} are not shown as they are")
    return Verdict(difference=find_difference(request, response, expected))


def _tell_exact(response: SearchResponse) -> SearchResponse:
    """Return an answer that is exact where that was not told: no segment here has lists."""
    told = response.explanation
    return replace(response, explanation=replace(told, is_exact=told.is_exact is not False))


def _is_row(hit: Hit, state: State) -> bool:
    """Return whether a hit shows what its row holds in the snapshot."""
    row = state.rows[hit.chunk_id]
    shown = (hit.doc_id, hit.title, hit.text, hit.zone, hit.known_from, hit.known_to, set(hit.groups))
    return shown == (row.doc_id, row.title, row.text, row.zone, row.known_from, row.known_to, set(row.groups))
