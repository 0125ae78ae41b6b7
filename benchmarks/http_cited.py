"""Questions for answers with citations, whole and in events, and what is wrong with what comes."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.http_callers import HttpCaller
from benchmarks.http_client import Answer
from benchmarks.http_searches import SearchAsked, draw_search, judge_search
from benchmarks.http_verdicts import SOUND, Scene, Verdict
from eagleray.client.event_streams import EventReader
from eagleray.contracts.answers import read_cited_answer
from eagleray.contracts.cited_answers import CitedAnswer
from serve.agents.citations import make_citations
from serve.agents.extractive import choose_units

_MOST: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CitedAsked:
    """A question for an answer: what is searched for, what is sent, and whether events are wanted."""

    search: SearchAsked
    body: Mapping[str, Any]
    max_citations: int
    is_streamed: bool


def draw_cited(scene: Scene, caller: HttpCaller, drawn: random.Random) -> CitedAsked:
    """Draw a question for an answer."""
    search = draw_search(scene, caller, drawn)
    k, max_citations, is_streamed = (
        min(search.request.k, _MOST),
        drawn.choice([1, 3, 20]),
        drawn.random() < 0.3,
    )
    body = {name: value for name, value in search.body.items() if name != "query"}
    body |= {"question": search.request.query, "k": k, "max_citations": max_citations, "stream": is_streamed}
    return CitedAsked(
        search=SearchAsked(body=search.body, request=replace(search.request, k=k)),
        body=body,
        max_citations=max_citations,
        is_streamed=is_streamed,
    )


def read_whole(answer: Answer) -> Answer:
    """Return an answer whose body is the whole of it, also where it came in events."""
    if not answer.body.startswith(b"event:"):
        return answer
    events = list(EventReader(url="").feed(answer.body))
    return replace(answer, body=events[-1].data.encode() if events else b"{}")


def judge_cited(scene: Scene, asked: CitedAsked, answer: Answer) -> Verdict:
    """Return what is wrong with an answer: its search, its citations, or its events."""
    told = read_whole(answer).read()
    verdict = judge_told(scene, asked.search, told, max_citations=asked.max_citations)
    if verdict != SOUND or not asked.is_streamed:
        return verdict
    return _judge_events(answer, read_cited_answer(told))


def judge_told(scene: Scene, search: SearchAsked, told: Mapping[str, Any], *, max_citations: int) -> Verdict:
    """Return what is wrong with an answer that was told: its search, or its citations.

    Args:
        scene: what is served.
        search: what was searched for.
        told: the answer, as JSON values, with its search.
        max_citations: that it may have.
    """
    retrieved = json.dumps(told["retrieved"]).encode()
    verdict = judge_search(scene, search, Answer(status=200, head=b"", body=retrieved))
    if verdict != SOUND:
        return verdict
    found = read_cited_answer(told)
    rows = scene.world.states[found.snapshot].rows
    known = {hit.chunk_id for hit in found.retrieved.hits}
    for citation in found.citations:
        if citation.chunk_id not in known:
            return Verdict(leak=f"chunk {citation.chunk_id} is cited, and was not found")
        if citation.text not in rows[citation.chunk_id].text:
            return Verdict(difference=f"chunk {citation.chunk_id} is not cited as it is")
    question = search.request.query
    expected = make_citations(choose_units(found.retrieved, question=question, n=max_citations))
    if found.citations != expected:
        return Verdict(difference="other citations than the pipeline finds in the same passages")
    return SOUND


def _judge_events(answer: Answer, found: CitedAnswer) -> Verdict:
    events = [(event.name, json.loads(event.data)) for event in EventReader(url="").feed(answer.body)]
    released = [data["statement"]["text"] for name, data in events if name == "statement"]
    is_whole = released == [item.text for item in found.statements] and events[-1][0] == "answer"
    return SOUND if is_whole else Verdict(difference="the events are not the statements of the answer")
