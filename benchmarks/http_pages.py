"""Pages of a served search: first ones, and those after them, also with cursors of somebody else."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from benchmarks.differential import find_leak
from benchmarks.http_callers import HttpCaller
from benchmarks.http_client import Answer
from benchmarks.http_searches import SearchAsked, draw_search
from benchmarks.http_verdicts import SOUND, Scene, Verdict
from benchmarks.http_world import EMBEDDER
from eagleray.contracts.answers import read_response

_SHOWN_EARLIER: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAsked:
    """A page.

    Attributes:
        search: of which it is a part; `k` of its request counts the hits of all pages.
        body: as it is sent.
        snapshot: that must answer; empty for any.
        shown: chunks of the pages before.
        is_refused: whether its cursor is somebody else's.
    """

    search: SearchAsked
    body: Mapping[str, Any]
    snapshot: str = ""
    shown: frozenset[int] = frozenset()
    is_refused: bool = False


def draw_page(scene: Scene, caller: HttpCaller, drawn: random.Random) -> PageAsked:
    """Draw a first page, or one whose cursor was given before, one time of two to another caller."""
    if scene.pages and drawn.random() < 0.7:
        earlier = drawn.choice(scene.pages[-_SHOWN_EARLIER:])
        is_other = earlier.search.request.principal.subject != caller.principal.subject
        own = [page for page in scene.pages if page.search.request.principal == caller.principal]
        if is_other and own and drawn.random() < 0.5:
            return drawn.choice(own)
        return replace(earlier, is_refused=is_other)
    search = draw_search(replace(scene, asked=[]), caller, drawn)
    k, n_pages = drawn.choice([1, 2, 5]), drawn.randrange(2, 6)
    body = {**search.body, "k": k, "pages": n_pages}
    request = replace(search.request, k=k * n_pages)
    return PageAsked(
        search=SearchAsked(body=search.body, request=request),
        body=body,
        snapshot=search.body.get("snapshot", ""),
    )


def judge_page(scene: Scene, asked: PageAsked, answer: Answer) -> Verdict:
    """Return what is wrong with a page, or with the refusal of one."""
    if asked.is_refused:
        return SOUND
    told, request = answer.read(), asked.search.request
    state = scene.world.states.get(told["snapshot"])
    if state is None or asked.snapshot not in ("", told["snapshot"]):
        return Verdict(difference=f"a page of {asked.snapshot} is answered from {told['snapshot']}")
    expected = state.oracle.answer(request, EMBEDDER.embed_queries([request.query])[0])
    response = read_response(told)
    leak = find_leak(response, expected)
    if leak:
        return Verdict(leak=leak)
    found = frozenset(hit.chunk_id for hit in response.hits)
    k = asked.body["k"]
    wanted = max(0, min(k, len(expected.best) - len(asked.shown)))
    is_later = bool(asked.shown)  # others may read it since the first one
    if not is_later and len(response.hits) != wanted:
        return Verdict(difference=f"{len(response.hits)} hits after {len(asked.shown)}, {wanted} were wanted")
    if told["next"] is not None:
        scene.pages.append(
            replace(
                asked,
                body={**asked.body, "cursor": told["next"]},
                snapshot=told["snapshot"],
                shown=asked.shown | found,
            )
        )
    return SOUND
