"""What is told of kept responses is judged: proof that a leak would be seen."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from types import SimpleNamespace

import pytest

from benchmarks.http_callers import HttpCaller
from benchmarks.http_client import Answer
from benchmarks.http_openai import KeptAsked, draw_kept, is_openai_answer, judge_kept, read_openai
from benchmarks.http_rulings import Rulings
from benchmarks.http_searches import SearchAsked
from benchmarks.http_verdicts import SOUND, KeptAnswer, Scene
from benchmarks.http_world import make_http_world
from eagleray.contracts.callers import Role
from eagleray.contracts.hits import SearchRequest
from eagleray.contracts.principals import Principal

MISSING = "you have nothing of this name here"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return make_http_world(3, tmp_path_factory.mktemp("world"))


def make_caller(subject, **fields):
    principal = Principal(subject=subject, **fields)
    return HttpCaller(principal=principal, roles=frozenset({Role.READER}), credential="x")


def make_scene(world, rows):
    scene, standing = Scene(world=world), (next(iter(world.states)),)
    scene.rulings.note(standing)
    search = SearchAsked(body={}, request=SearchRequest(query="swap", principal=Principal(subject="ann")))
    kept = KeptAnswer(response_id="resp_1", subject="ann", snapshot="", search=search, rows=frozenset(rows))
    scene.kept["resp_1"] = kept
    return scene, kept


def make_asked(kept, subject, *, is_own, method="GET"):
    return KeptAsked(
        kept=kept,
        response_id="resp_1",
        method=method,
        body=None,
        caller=make_caller(subject),
        is_own=is_own,
        began=1e12,
    )


def tell(status, body):
    return Answer(status=status, head=b"", body=json.dumps(body).encode())


def show_rows(rows):
    shown = [{"chunk_id": str(row)} for row in rows]
    return tell(200, {"eagleray": {"citations": shown, "retrieved": {"hits": shown}}})


def split_rows(world):
    """Return a row of the first snapshot that everybody may see, and one that Ann may not."""
    rows = next(iter(world.states.values())).rows.values()
    seen = next(row for row in rows if not row.groups and row.known_to > 1 << 60 and row.zone == "london")
    return seen.chunk_id, next(row.chunk_id for row in rows if row.groups)


def test_the_response_of_somebody_else_is_a_leak_in_whatever_way_it_is_told(world):
    scene, kept = make_scene(world, [])
    missing = tell(404, {"error": {"message": f"resp_1: {MISSING}"}})
    assert judge_kept(scene, make_asked(kept, "ben", is_own=False), missing) == SOUND
    other = tell(404, {"error": {"message": "resp_1: it has expired"}})
    assert judge_kept(scene, make_asked(kept, "ben", is_own=False), other).leak
    for method in ("GET", "DELETE"):
        assert judge_kept(scene, make_asked(kept, "ben", is_own=False, method=method), show_rows([])).leak
    assert judge_kept(scene, make_asked(None, "ann", is_own=False), show_rows([])).leak


def test_an_own_response_is_there_while_its_rows_may_be_seen(world):
    seen, hidden = split_rows(world)
    missing = tell(404, {"error": {"message": f"resp_1: {MISSING}"}})
    scene, kept = make_scene(world, [seen])
    assert judge_kept(scene, make_asked(kept, "ann", is_own=True), show_rows([seen])) == SOUND
    assert judge_kept(scene, make_asked(kept, "ann", is_own=True), missing).difference
    assert judge_kept(scene, make_asked(kept, "ann", is_own=True), show_rows([])).difference
    scene, kept = make_scene(world, [hidden])
    assert judge_kept(scene, make_asked(kept, "ann", is_own=True), show_rows([hidden])).leak
    assert judge_kept(scene, make_asked(kept, "ann", is_own=True), missing) == SOUND


def test_one_that_its_caller_deletes_is_drawn_no_more(world):
    scene, _ = make_scene(world, [])
    drawn = random.Random(1)  # noqa: S311 - draws requests, not secrets
    asked = next(
        one
        for one in iter(lambda: draw_kept(scene, make_caller("ann"), drawn), None)
        if one.method == "DELETE"
    )
    assert asked.is_own is (asked.response_id not in scene.kept)


def test_answers_in_events_are_read_whole():
    cited = {"snapshot": "abc", "text": "t"}
    chunks = [{"id": "chatcmpl-1", "choices": []}, {"id": "chatcmpl-1", "choices": [], "eagleray": cited}]
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    answer = Answer(status=200, head=b"", body=body.encode())
    assert is_openai_answer(answer)
    told = read_openai(answer).read()
    assert (told["snapshot"], told["eagleray"], len(told["events"])) == ("abc", cited, 2)
    cut = replace(answer, body=body.encode().split(b"data: ")[1].join([b"data: ", b""]))
    assert read_openai(cut).read()["snapshot"] == ""
    assert not is_openai_answer(SimpleNamespace(status=404, body=answer.body))


def test_a_standing_is_noted_once():
    rulings = Rulings()
    for standing in (("a",), ("a",), ("a", "b"), ("a",)):
        rulings.note(standing)
    assert [standing for _, standing in rulings.moves] == [("a",), ("a", "b"), ("a",)]
