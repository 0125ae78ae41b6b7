"""Requests that could show what their caller may not read, each with its judge; every route has a probe here.

A probe draws a request of a caller, and tells what is wrong with its answer. `PROBES` lists them with how
often each is drawn; a new route adds its own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from benchmarks.differential_world import WORDS
from benchmarks.http_callers import HttpCaller
from benchmarks.http_cited import draw_cited, judge_cited, read_whole
from benchmarks.http_client import Answer
from benchmarks.http_columns import draw_column, find_errors, judge_refusal
from benchmarks.http_looks import (
    draw_batch,
    draw_counts,
    draw_document,
    judge_batch,
    judge_counts,
    judge_document,
    name_document,
)
from benchmarks.http_openai import (
    PATHS,
    draw_kept,
    draw_openai,
    is_openai_answer,
    judge_kept,
    judge_openai,
    read_openai,
)
from benchmarks.http_pages import draw_page, judge_page
from benchmarks.http_searches import SearchAsked, draw_like, draw_search, judge_like, judge_search
from benchmarks.http_tools import draw_tool, is_tool_answer, judge_tool, read_tool
from benchmarks.http_verdicts import SOUND, Scene, Verdict, find_stray_canaries
from benchmarks.http_world import COLLECTION, EMBEDDER
from eagleray.contracts.callers import Action
from eagleray.contracts.filters import FilterExpression
from eagleray.contracts.principals import Principal


def _find_sound(_scene: Scene, _answer: Answer) -> Verdict:
    return SOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRequest:
    """A request that was drawn.

    Attributes:
        action: that its caller must be allowed; `None` where everybody may ask.
        search: what is searched for; `None` where nothing is.
        snapshot: that it names; empty for the alias's.
        body: of a POST; `None` for a GET.
        statuses: that an answer to an allowed caller may have.
        judge: tells what is wrong with an answer of one of these statuses.
        filters: what is asked of columns, which a caller may not know of: then it is refused with 400.
        column: that is counted; empty for none.
        method: of the request; empty for POST where it has a body, otherwise GET.
        collection: that the body names; empty where the path does, or nothing.
    """

    path: str
    action: Action | None
    body: Mapping[str, Any] | None = None
    search: SearchAsked | None = None
    snapshot: str = ""
    statuses: frozenset[int] = frozenset({200})
    judge: Callable[[Scene, Answer], Verdict] = _find_sound
    filters: tuple[FilterExpression | None, ...] = ()
    column: str = ""
    method: str = ""
    collection: str = ""

    def find_errors(self, scene: Scene, principal: Principal) -> list[str]:
        """Return what each snapshot that may answer must say of the filters and the column."""
        pinned = (self.body or {}).get("snapshot")
        states = [scene.world.states[pinned]] if pinned in scene.world.states else scene.world.states.values()
        return find_errors(list(states), principal, self.filters, self.column)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A kind of request.

    Attributes:
        share: how often it is drawn, against the others.
    """

    name: str
    share: float
    draw: Callable[[Scene, HttpCaller, random.Random], ProbeRequest]


def _ask_search(scene: Scene, caller: HttpCaller, drawn: random.Random) -> ProbeRequest:
    search = draw_search(scene, caller, drawn)
    return ProbeRequest(
        path=f"/collections/{COLLECTION}/search",
        action=Action.SEARCH,
        body=search.body,
        search=search,
        snapshot=search.body.get("snapshot", ""),
        judge=lambda scene, answer: judge_search(scene, search, answer),
        filters=(search.request.filter,),
    )


def _ask_cited(scene: Scene, caller: HttpCaller, drawn: random.Random) -> ProbeRequest:
    asked = draw_cited(scene, caller, drawn)
    return ProbeRequest(
        path=f"/collections/{COLLECTION}/ask",
        action=Action.ASK,
        body=asked.body,
        search=asked.search,
        snapshot=asked.body.get("snapshot", ""),
        judge=lambda scene, answer: judge_cited(scene, asked, answer),
        filters=(asked.search.request.filter,),
    )


def _ask_tool(scene: Scene, caller: HttpCaller, drawn: random.Random) -> ProbeRequest:
    asked = draw_tool(scene, caller, drawn)
    return ProbeRequest(
        path="/mcp",
        action=Action.SEARCH,
        body=asked.body,
        search=asked.search,
        snapshot=asked.snapshot,
        judge=lambda scene, answer: judge_tool(scene, asked, answer),
    )


def _ask_openai(scene: Scene, caller: HttpCaller, drawn: random.Random) -> ProbeRequest:
    asked = draw_openai(scene, caller, drawn)
    return ProbeRequest(
        path=PATHS[asked.shape],
        action=Action.ASK,
        body=asked.body,
        search=asked.search,
        snapshot=asked.snapshot,
        judge=lambda scene, answer: judge_openai(scene, asked, answer),
        filters=(asked.search.request.filter,),
        collection=scene.world.settings.collection,
    )


def _ask_kept(scene: Scene, caller: HttpCaller, drawn: random.Random) -> ProbeRequest:
    asked = draw_kept(scene, caller, drawn)
    return ProbeRequest(
        path=asked.path,
        action=Action.ASK,
        body=asked.body,
        search=asked.kept.search if asked.kept else None,
        statuses=frozenset({200, 404} if asked.is_own else {404}),
        judge=lambda scene, answer: judge_kept(scene, asked, answer),
        method=asked.method,
    )


def _ask_like(scene: Scene, caller: HttpCaller, drawn: random.Random) -> ProbeRequest:
    search = draw_like(scene, caller, drawn)
    return ProbeRequest(
        path=f"/collections/{COLLECTION}/search",
        action=Action.SEARCH,
        body=search.body,
        search=search,
        statuses=frozenset({200, 404}),
        snapshot=search.body.get("snapshot", ""),
        judge=lambda scene, answer: judge_like(scene, search, answer),
        filters=(search.request.filter,),
    )


def _ask_missing(_scene: Scene, _caller: HttpCaller, drawn: random.Random) -> ProbeRequest:
    """Ask what is not there, or cannot be answered."""
    path, more, status = drawn.choice(
        [
            ("other", {}, 404),
            (COLLECTION, {"snapshot": f"{drawn.getrandbits(256):064x}"}, 404),
            (COLLECTION, {"filter": "year >="}, 400),
            (COLLECTION, {"filter": "nothing = 1"}, 400),
            (COLLECTION, {"as_of": "yesterday"}, 400),
            (COLLECTION, {"k": 0}, 422),
        ]
    )
    body = {"query": drawn.choice(WORDS), "as_of": None, **more}
    return ProbeRequest(
        path=f"/collections/{path}/search", action=Action.SEARCH, body=body, statuses=frozenset({status})
    )


def _ask_listing(_scene: Scene, caller: HttpCaller, _drawn: random.Random) -> ProbeRequest:
    """Ask which collections there are; names that the caller may not see are looked for in every answer."""

    def judge(scene: Scene, answer: Answer) -> Verdict:
        names = {shown["name"] for shown in answer.read()["collections"]}
        is_there = scene.world.settings.collection in names
        is_right = is_there == caller.may_see(scene.world.settings.collection)
        return SOUND if is_right else Verdict(difference=f"the collections are {sorted(names)}")

    return ProbeRequest(path="/collections", action=Action.INSPECT, judge=judge)


def _ask_vectors(_scene: Scene, _caller: HttpCaller, drawn: random.Random) -> ProbeRequest:
    texts = [" ".join(drawn.choices(WORDS, k=drawn.randrange(1, 9))) for _ in range(drawn.randrange(1, 4))]

    def judge(_scene: Scene, answer: Answer) -> Verdict:
        found = np.array([row["embedding"] for row in answer.read()["data"]], dtype=np.float32)
        same = np.allclose(found, EMBEDDER.embed_passages(texts), atol=1e-6)
        return SOUND if same else Verdict(difference="other vectors")

    body = {"model": EMBEDDER.identity.name, "input": texts}
    return ProbeRequest(path="/v1/embeddings", action=Action.SEARCH, body=body, judge=judge)


def _ask_models(_scene: Scene, _caller: HttpCaller, drawn: random.Random) -> ProbeRequest:
    name = EMBEDDER.identity.name
    return ProbeRequest(path=drawn.choice(["/v1/models", f"/v1/models/{name}"]), action=Action.INSPECT)


def _ask_metrics(_scene: Scene, _caller: HttpCaller, _drawn: random.Random) -> ProbeRequest:
    def judge(scene: Scene, answer: Answer) -> Verdict:
        named = [subject for subject in scene.subjects if subject.encode() in answer.body]
        return Verdict(leak=f"the metrics name {named}") if named else SOUND

    return ProbeRequest(path="/metrics", action=Action.INSPECT, judge=judge)


def _ask_health(_scene: Scene, _caller: HttpCaller, drawn: random.Random) -> ProbeRequest:
    def judge(scene: Scene, answer: Answer) -> Verdict:
        told, name = answer.read(), scene.world.settings.collection
        known = {"status", "snapshot", "wanted", "is_failing", "collections"}
        own = {shown["snapshot"] for shown in told.get("collections", ()) if shown["name"] == name}
        is_known = set(told) <= known and own <= scene.world.states.keys()
        return SOUND if is_known else Verdict(difference=f"the health tells {told}")

    return ProbeRequest(path=drawn.choice(["/health/live", "/health/ready"]), action=None, judge=judge)


def _ask_document(scene: Scene, caller: HttpCaller, drawn: random.Random) -> ProbeRequest:
    asked = draw_document(scene, caller, drawn)
    return ProbeRequest(
        path=f"/collections/{COLLECTION}/documents?{name_document(asked)}",
        action=Action.SEARCH,
        search=asked,
        statuses=frozenset({200, 404}),
        snapshot=asked.body.get("snapshot") or "",
        judge=lambda scene, answer: judge_document(scene, asked, answer),
    )


def _ask_counts(scene: Scene, caller: HttpCaller, drawn: random.Random) -> ProbeRequest:
    asked, body = draw_counts(scene, caller, drawn)
    return ProbeRequest(
        path=f"/collections/{COLLECTION}/facets",
        action=Action.SEARCH,
        body=body,
        search=asked,
        snapshot=body.get("snapshot", ""),
        judge=lambda scene, answer: judge_counts(scene, asked, body["column"], answer),
        filters=(asked.request.filter,),
        column=body["column"],
    )


def _ask_column(scene: Scene, caller: HttpCaller, drawn: random.Random) -> ProbeRequest:
    asked, body = draw_column(scene, caller, drawn)
    return ProbeRequest(
        path=f"/collections/{COLLECTION}/{'facets' if 'column' in body else 'search'}",
        action=Action.SEARCH,
        body=body,
        search=asked,
        filters=(asked.request.filter,),
        column=body.get("column", ""),
    )


def _ask_batch(scene: Scene, caller: HttpCaller, drawn: random.Random) -> ProbeRequest:
    asked, snapshot = draw_batch(scene, caller, drawn)
    words = " ".join(question.request.query for question in asked)
    return ProbeRequest(
        path=f"/collections/{COLLECTION}/search/batch",
        action=Action.SEARCH,
        body={
            "questions": [dict(question.body) for question in asked],
            "snapshot": snapshot,
            "explain": True,
        },
        search=replace(asked[0], request=replace(asked[0].request, query=words)),
        snapshot=snapshot,
        judge=lambda scene, answer: judge_batch(scene, asked, answer),
        filters=tuple(question.request.filter for question in asked),
    )


def _ask_page(scene: Scene, caller: HttpCaller, drawn: random.Random) -> ProbeRequest:
    asked = draw_page(scene, caller, drawn)
    return ProbeRequest(
        path=f"/collections/{COLLECTION}/search",
        action=Action.SEARCH,
        body=asked.body,
        search=asked.search,
        snapshot="" if asked.is_refused else asked.snapshot,
        statuses=frozenset({400 if asked.is_refused else 200}),
        judge=lambda scene, answer: judge_page(scene, asked, answer),
        filters=() if asked.is_refused else (asked.search.request.filter,),
    )


PROBES: Final = (
    Probe(name="search", share=0.3, draw=_ask_search),
    Probe(name="ask", share=0.1, draw=_ask_cited),
    Probe(name="tool", share=0.08, draw=_ask_tool),
    Probe(name="openai", share=0.1, draw=_ask_openai),
    Probe(name="kept response", share=0.05, draw=_ask_kept),
    Probe(name="column", share=0.05, draw=_ask_column),
    Probe(name="page", share=0.1, draw=_ask_page),
    Probe(name="like", share=0.1, draw=_ask_like),
    Probe(name="document", share=0.1, draw=_ask_document),
    Probe(name="counts", share=0.08, draw=_ask_counts),
    Probe(name="batch", share=0.05, draw=_ask_batch),
    Probe(name="missing", share=0.04, draw=_ask_missing),
    Probe(name="embeddings", share=0.03, draw=_ask_vectors),
    Probe(name="models", share=0.01, draw=_ask_models),
    Probe(name="metrics", share=0.02, draw=_ask_metrics),
    Probe(name="health", share=0.02, draw=_ask_health),
    Probe(name="listing", share=0.02, draw=_ask_listing),
)


def judge_answer(
    scene: Scene, asked: ProbeRequest, answer: Answer, allowed: set[int], *, began: float, may_examine: bool
) -> Verdict:
    """Return what is wrong with an answer.

    Args:
        scene: what is served.
        asked: the request.
        answer: what came.
        allowed: statuses that the caller may get; 200 stands for those of the request.
        began: monotonic seconds.
        may_examine: whether the caller may see what the alias does not lead to.
    """
    if not may_examine and b'"segments":[{' in answer.body:
        return Verdict(leak="the explanation tells of segments")
    if not asked.snapshot:
        return _judge(scene, asked, answer, allowed)
    verdict = SOUND
    for standing in scene.rulings.find(began):
        is_there = may_examine or asked.snapshot in standing
        if 200 in allowed and (b"has no such snapshot" in answer.body) is is_there:
            verdict = Verdict(
                leak=f"{asked.snapshot} is there" if not is_there else "", difference="it is not there"
            )
        elif is_there or answer.status in allowed - {200}:
            ruled = replace(scene, world=scene.rulings.rule(scene.world, standing))
            verdict = _judge(ruled, asked, answer, allowed)
        else:
            verdict = SOUND
        if verdict == SOUND:
            return SOUND
    return verdict


def _read_all(answer: Answer) -> Answer:
    """Return an answer whose body is one object with all that was told, and the snapshot it comes from."""
    if is_openai_answer(answer):
        return read_openai(answer)
    return read_tool(answer) if is_tool_answer(answer) else read_whole(answer)


def _judge(scene: Scene, asked: ProbeRequest, answer: Answer, allowed: set[int]) -> Verdict:
    expected = (allowed - {200}) | (set(asked.statuses) if 200 in allowed else set())
    if asked.search is not None and (asked.column or any(asked.filters)) and 200 in allowed:
        errors = asked.find_errors(scene, asked.search.request.principal)
        if answer.status in (200, 400):
            verdict = judge_refusal(errors, answer)
            if verdict != SOUND or answer.status == 400:
                return verdict
    if answer.status not in expected:
        return Verdict(
            difference=f"status {answer.status}, expected {sorted(expected)}: {answer.body[:300]!r}"
        )
    whole = _read_all(answer)
    stray = find_stray_canaries(scene, asked.search, whole)
    if stray:
        return Verdict(leak=f"words of hidden rows: {stray}")
    return asked.judge(scene, answer) if answer.status in asked.statuses else SOUND
