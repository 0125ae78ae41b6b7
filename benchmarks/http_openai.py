"""Chats and responses in OpenAI's shapes, and what is wrong with what comes; what is kept of them for others.

Whoever asks for the response of somebody else, shows, continues or deletes it, is told what they are told of
an id that never was. Its own caller gets it as long as they may see every row of it.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from benchmarks.http_callers import HttpCaller
from benchmarks.http_cited import judge_told
from benchmarks.http_client import Answer
from benchmarks.http_searches import SearchAsked, draw_search
from benchmarks.http_verdicts import SOUND, KeptAnswer, Scene, Verdict, is_visible
from eagleray.client.event_streams import EventReader
from eagleray.contracts.callers import ALLOWED, Action
from eagleray.contracts.hits import Granularity, SearchRequest

Shape = Literal["chat", "response"]

PATHS: Final[Mapping[Shape, str]] = {"chat": "/v1/chat/completions", "response": "/v1/responses"}
_MOST: Final = 50
_MISSING: Final = "you have nothing of this name here"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAiAsked:
    """A question in one of the shapes: what is searched for, and what is sent."""

    shape: Shape
    caller: HttpCaller
    search: SearchAsked
    body: Mapping[str, Any]
    max_citations: int

    @property
    def snapshot(self) -> str:
        """The snapshot that it names; empty for the alias's."""
        return str(self.body.get("snapshot", ""))


def draw_openai(scene: Scene, caller: HttpCaller, drawn: random.Random) -> OpenAiAsked:
    """Draw a question."""
    found, own = draw_search(scene, caller, drawn), scene.world.settings.collection
    k, max_citations = min(found.request.k, _MOST), drawn.choice([1, 3, 20])
    shape: Shape = drawn.choice(("chat", "response"))
    query = found.request.query
    body = {name: found.body[name] for name in ("as_of", "filter", "snapshot") if name in found.body}
    body |= {"model": "extractive", "max_citations": max_citations, "explain": True}
    body |= {"stream": drawn.random() < 0.3}
    if shape == "chat":
        body |= {"messages": [{"role": "user", "content": query}], "collection": own, "k": k}
    else:
        tool = {"type": "file_search", "vector_store_ids": [own], "max_num_results": k}
        body |= {"input": query, "tools": [tool], "store": drawn.random() < 0.8}
    request = SearchRequest(
        query=query,
        k=k,
        granularity=Granularity.CHUNK,
        as_of=found.request.as_of,
        filter=found.request.filter,
        principal=caller.principal,
    )
    return OpenAiAsked(
        shape=shape,
        caller=caller,
        search=SearchAsked(body=found.body, request=request),
        body=body,
        max_citations=max_citations,
    )


def is_openai_answer(answer: Answer) -> bool:
    """Return whether an answer is a chat completion or a response, whole or in events."""
    starts = (b'{"id":"chatcmpl-', b'{"id":"resp_', b"event: response.", b'data: {"id": "chatcmpl-')
    return answer.status == 200 and answer.body.startswith(starts)


def read_openai(answer: Answer) -> Answer:
    """Return an answer whose body is all that was told, below the names that a whole answer has.

    What has no end has no snapshot.
    """
    if answer.body.startswith(b"{"):
        told = answer.read()
    else:
        events = [event.data for event in EventReader(url="").feed(answer.body)]
        read = [json.loads(data) for data in events if data != "[DONE]"]
        last = next((item for item in reversed(read) if "eagleray" in item or "response" in item), {})
        told = {**last.get("response", last), "events": read}
    snapshot = told.get("eagleray", {}).get("snapshot", "")
    return replace(answer, body=json.dumps({**told, "snapshot": snapshot}).encode())


def judge_openai(scene: Scene, asked: OpenAiAsked, answer: Answer) -> Verdict:
    """Return what is wrong with an answer: its search, its citations, or the shape they are told in."""
    told = read_openai(answer).read()
    if "eagleray" not in told:
        return Verdict(difference=f"the answer has no end: {answer.body[-300:]!r}")
    cited = told["eagleray"]
    verdict = judge_told(scene, asked.search, cited, max_citations=asked.max_citations)
    if verdict != SOUND:
        return verdict
    if _read_text(asked.shape, told) != cited["text"]:
        return Verdict(difference="the text is not that of the answer")
    if asked.shape == "response" and told["store"]:
        _note(scene, asked, told)
    return SOUND


def _read_text(shape: Shape, told: Mapping[str, Any]) -> str:
    """Return the text of an answer, of its pieces where it came in events."""
    events = told.get("events")
    if shape == "response":
        if events is None:
            return str(told["output"][-1]["content"][0]["text"])
        return "".join(item["delta"] for item in events if item["type"] == "response.output_text.delta")
    if events is None:
        return str(told["choices"][0]["message"]["content"])
    deltas = [item["choices"][0]["delta"] for item in events if item["choices"]]
    return "".join(delta.get("content", "") for delta in deltas)


def _note(scene: Scene, asked: OpenAiAsked, told: Mapping[str, Any]) -> None:
    cited = told["eagleray"]
    rows = {int(item["chunk_id"]) for item in (*cited["citations"], *cited["retrieved"]["hits"])}
    scene.kept[told["id"]] = KeptAnswer(
        response_id=told["id"],
        subject=asked.caller.principal.subject,
        snapshot=asked.snapshot,
        search=asked.search,
        rows=frozenset(rows),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAsked:
    """A request for a response that is kept, or never was.

    Attributes:
        kept: it, as it was answered; `None` for an id that never was.
        response_id: its id.
        method: of the request.
        body: of the request; `None` for none.
        is_own: whether it was made for who asks.
    """

    kept: KeptAnswer | None
    response_id: str
    method: Literal["GET", "DELETE", "POST"]
    body: Mapping[str, Any] | None
    caller: HttpCaller
    is_own: bool
    began: float

    @property
    def path(self) -> str:
        """Where it is asked for."""
        path = PATHS["response"]
        return path if self.method == "POST" else f"{path}/{self.response_id}"


def draw_kept(scene: Scene, caller: HttpCaller, drawn: random.Random) -> KeptAsked:
    """Ask for a response: one's own, mostly somebody else's, or one that never was."""
    kept = drawn.choice(list(scene.kept.values())) if scene.kept and drawn.random() < 0.9 else None
    own = [item for item in scene.kept.values() if item.subject == caller.principal.subject]
    if own and drawn.random() < 0.5:
        kept = drawn.choice(own)
    response_id = kept.response_id if kept else f"resp_{drawn.getrandbits(128):032x}"
    is_own = kept is not None and kept.subject == caller.principal.subject
    method = drawn.choices(("GET", "DELETE", "POST"), [0.6, 0.1, 0.0 if is_own else 0.3])[0]
    if method == "DELETE" and is_own:
        scene.kept.pop(response_id, None)
    is_continued = method == "POST"
    body = {"model": "extractive", "input": "swap", "previous_response_id": response_id}
    return KeptAsked(
        kept=kept,
        response_id=response_id,
        method=method,
        body=body if is_continued else None,
        caller=caller,
        is_own=is_own,
        began=time.monotonic(),
    )


def judge_kept(scene: Scene, asked: KeptAsked, answer: Answer) -> Verdict:
    """Return what is wrong with what is told of a response."""
    kept = asked.kept
    if answer.status == 404:
        told = answer.read()["error"]["message"]
        if told != f"{asked.response_id}: {_MISSING}":
            return Verdict(leak=f"a response that is not there is told of: {told}")
        is_gone = asked.response_id not in scene.kept
        if kept is None or not asked.is_own or is_gone:
            return SOUND
        is_seen = all(_list_sights(scene, asked, kept))
        return Verdict(difference=f"{asked.response_id} is not there") if is_seen else SOUND
    if kept is None or not asked.is_own:
        return Verdict(leak=f"{asked.response_id} of somebody else is answered")
    if asked.method == "DELETE":
        return SOUND
    told = answer.read()
    cited = told["eagleray"]
    rows = {int(item["chunk_id"]) for item in (*cited["citations"], *cited["retrieved"]["hits"])}
    if rows != kept.rows:
        return Verdict(difference="other rows than were answered")
    if not any(_list_sights(scene, asked, kept)):
        return Verdict(leak=f"{asked.response_id} shows rows that are hidden now")
    return SOUND


def _list_sights(scene: Scene, asked: KeptAsked, kept: KeptAnswer) -> list[bool]:
    """Return whether the caller may see all of its rows, as each publication says that may have stood."""
    may_examine = any(Action.EXAMINE in ALLOWED[role] for role in asked.caller.roles)
    now = kept.search.request.as_of is None
    times = (None, time.time_ns() // 1_000) if now else (kept.search.request.as_of,)
    seen = []
    for standing in scene.rulings.find(asked.began):
        is_there = not kept.snapshot or may_examine or kept.snapshot in standing
        rows = scene.rulings.rule(scene.world, standing).states[kept.snapshot or standing[-1]].rows
        searches = [
            replace(kept.search, request=replace(kept.search.request, as_of=time_us)) for time_us in times
        ]
        seen.append(
            is_there
            and all(
                chunk in rows and any(is_visible(rows[chunk], search) for search in searches)
                for chunk in kept.rows
            )
        )
    return seen
