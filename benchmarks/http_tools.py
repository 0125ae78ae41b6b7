"""Calls of tools (Model Context Protocol), and what is wrong with what they give."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from benchmarks.http_callers import HttpCaller
from benchmarks.http_client import Answer
from benchmarks.http_searches import SearchAsked, draw_search
from benchmarks.http_verdicts import SOUND, Scene, Verdict, is_visible
from eagleray.client.event_streams import EventReader

_MOST: Final = 50
_EVENT: Final = re.compile(rb"^event: message", re.MULTILINE)
_WORDS: Final = {"search": "query", "ask": "question", "table_lookup": "label"}
"""Name of a tool -> its argument that takes words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolAsked:
    """A call of a tool: its name, the message that is sent, and what is searched for."""

    name: str
    body: Mapping[str, Any]
    search: SearchAsked
    snapshot: str


def draw_tool(scene: Scene, caller: HttpCaller, drawn: random.Random) -> ToolAsked:
    """Draw a call; one who may not see the collection lists those that there are."""
    search = draw_search(scene, caller, drawn)
    own, sent = scene.world.settings.collection, search.body
    name = drawn.choice(list(_WORDS)) if caller.may_see(own) else "list_collections"
    arguments: dict[str, Any] = {}
    if name in _WORDS:
        arguments = {"collection": own, _WORDS[name]: search.request.query, "k": min(sent["k"], _MOST)}
        arguments |= {key: sent[key] for key in ("as_of", "snapshot") if key in sent}
    params = {"name": name, "arguments": arguments}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return ToolAsked(
        name=name,
        body=message,
        search=replace(search, body=arguments),
        snapshot=arguments.get("snapshot", ""),
    )


def is_tool_answer(answer: Answer) -> bool:
    """Return whether an answer is that of a tool; comments that keep it alive may stand before it."""
    is_event = _EVENT.search(answer.body[:4_096]) is not None
    return answer.status == 200 and is_event and b'"jsonrpc"' in answer.body


def read_tool(answer: Answer) -> Answer:
    """Return an answer whose body is what the tool gives; an error has no snapshot."""
    events = list(EventReader(url="").feed(answer.body))
    result = json.loads(events[-1].data).get("result", {})
    told = {"snapshot": "", **(result.get("structuredContent") or {})}
    texts = [part["text"] for part in result.get("content", ())]
    return replace(answer, body=json.dumps({**told, "texts": texts}).encode())


def judge_tool(scene: Scene, asked: ToolAsked, answer: Answer) -> Verdict:
    """Return what is wrong with what a tool gives: an error, or rows that the caller may not see."""
    told = read_tool(answer).read()
    if asked.name == "list_collections":
        return SOUND  # the names of hidden collections are looked for in every answer
    state = scene.world.states.get(told["snapshot"])
    if state is None:
        return Verdict(difference=f"{asked.name} says {told['texts']}")
    rows = told.get("hits") or told.get("citations") or [row["citation"] for row in told.get("rows", ())]
    for shown in rows:
        row = state.rows[int(shown["chunk_id"])]
        if not is_visible(row, asked.search):
            return Verdict(leak=f"chunk {shown['chunk_id']} is hidden")
        if shown["text"] not in row.text:
            return Verdict(difference=f"chunk {shown['chunk_id']} is not shown as it is")
    return SOUND
