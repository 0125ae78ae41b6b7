"""Frames of many questions: the same from this process and from both clients of a server."""

from __future__ import annotations

import asyncio

import numpy as np
import pandas as pd
import pytest

import eagleray
from eagleray.client import LocalCollection, batches
from eagleray.errors import QueryError
from eagleray.parts import ANSWERS, INDEX
from eagleray.settings import Settings
from tests.small_collections import SPEC
from tests.unit.serve.http.test_clients import GROUPS, listen, make_async

pytestmark = pytest.mark.filterwarnings("ignore:.*have no as_of:UserWarning")  # some ask the latest state

COLUMNS = [
    "text",
    "title",
    "source",
    "page",
    "groups",
    "event_time",
    "known_from",
    "known_to",
    "relevance",
    "year",
    "yield",
    "attr.tags",
]
QUESTIONS = pd.DataFrame(
    {
        "query": ["swap bond", "curve", "zzz", "libor sofr", "swap bond"],
        "as_of": ["1970-03-01", None, None, "1970-02-01T12:00:00", "1970-01-01"],
        "filter": [None, "year >= 2003", "year = 1900", "", None],
        "trade": pd.array([7, None, 3, 4, 5], dtype="Int64"),
        "booked": pd.Series(pd.date_range("2020-01-01", periods=5, tz="UTC")),
    },
    index=["a", "b", "c", "d", "e"],
)
GIVEN = {"k": 3, "mode": "lexical", "granularity": "chunk", "zone": "America/New_York"}


async def open_three(served, ask):
    """Return what each of the three gives or raises."""
    engine = served.open_engine(served.watcher.state.snapshot)
    local = LocalCollection(engine, INDEX.load(Settings()), ANSWERS.load(Settings()), name=SPEC.name)

    async def catch(call):
        try:
            found = call()
            return await found if asyncio.iscoroutine(found) else found
        except eagleray.EagleRayError as error:
            return error

    async with listen(served.app) as url, make_async(served.app, key="examiner") as awaiting:
        with eagleray.connect(url, collection=SPEC.name, api_key="examiner") as blocking:
            sync = await asyncio.to_thread(lambda: asyncio.run(catch(lambda: ask(blocking))))
            return await catch(lambda: ask(local)), sync, await catch(lambda: ask(awaiting))


def ask_three(serve_with, ask, *, groups=()):
    """Check that all three are equal, and return one of them."""
    kept = []

    async def compare(served):
        local, sync, awaited = await open_three(served, ask)
        kept.append(local)
        if isinstance(local, eagleray.EagleRayError):
            assert type(sync) is type(awaited) is type(local), (local, sync, awaited)
            assert str(sync) == str(awaited)
        else:
            pd.testing.assert_frame_equal(sync, local, check_exact=True)
            pd.testing.assert_frame_equal(awaited, local, check_exact=True)

    serve_with(compare, groups=groups)
    return kept[0]


@pytest.mark.parametrize("columns", [(), COLUMNS], ids=["default", "columns"])
def test_all_three_give_equal_frames(serve_with, columns, monkeypatch):
    monkeypatch.setattr(batches, "MAX_QUESTIONS", 2)  # so that a server is asked several times
    found = ask_three(serve_with, lambda desk: desk.search_many(QUESTIONS, columns=columns, **GIVEN))
    assert list(found.columns) == [*batches.BATCH_SCHEMA.names, *columns, "trade", "booked"]
    assert set(found["question"]) == {"a", "b", "d"}
    own = QUESTIONS.loc[found["question"], ["trade", "booked"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(found[["trade", "booked"]], own)


def test_columns_are_those_of_frames_of_single_searches(serve_with):
    asked = QUESTIONS[["query", "filter"]].drop(index="c")
    found = ask_three(serve_with, lambda desk: desk.search_many(asked, columns=COLUMNS, k=4, mode="lexical"))
    single = []

    async def ask(served):
        async with make_async(served.app, key="examiner") as client:
            for query, wanted in asked.itertuples(index=False):
                single.append(
                    await client.search_frame(
                        query, filter=wanted if isinstance(wanted, str) else "", k=4, mode="lexical"
                    )
                )

    serve_with(ask)
    wanted = pd.concat(single, ignore_index=True).rename(columns={"tags": "attr.tags"})
    assert len(found) > 4
    pd.testing.assert_frame_equal(found[COLUMNS], wanted[COLUMNS], check_exact=True)


def test_no_hit_is_an_empty_frame_of_the_same_columns(serve_with):
    asked = QUESTIONS.loc[["c"]]
    empty = ask_three(serve_with, lambda desk: desk.search_many(asked, columns=["text", "known_to"], **GIVEN))
    assert len(empty) == 0
    assert list(empty.columns)[-4:] == ["text", "known_to", "trade", "booked"]
    assert str(empty["known_to"].dtype) == "datetime64[us, UTC]"


def test_a_caller_is_shown_texts_of_what_the_groups_open_and_of_nothing_else(serve_with):
    asked = pd.DataFrame({"query": ["swap curve repo"] * 2, "groups": [None, list(GROUPS)]})
    local = []

    async def ask(served):
        engine = served.open_engine(served.watcher.state.snapshot)
        desk = LocalCollection(engine, INDEX.load(Settings()), ANSWERS.load(Settings()), name=SPEC.name)
        local.append(
            desk.search_many(asked, columns=["text", "groups"], k=50, mode="lexical", granularity="chunk")
        )

    serve_with(ask)
    (found,) = local
    outside, inside = (found[found["question"] == number] for number in (0, 1))
    assert set(outside["groups"]) == {()}
    assert len(set(inside["groups"])) > 1
    assert set(outside["text"]) < set(inside["text"])


@pytest.mark.parametrize(
    ("questions", "given", "kind", "words"),
    [
        ({"query": ["swap"]}, {"columns": ["tikcer"]}, QueryError, "did you mean ticker"),
        ({"query": ["swap"]}, {"columns": ["titel"]}, QueryError, "did you mean title"),
        ({"query": ["swap"]}, {"columns": ["snippet"]}, QueryError, "search_frame does"),
        ({"query": ["swap"]}, {"columns": "text"}, QueryError, "a list of texts"),
        ({"query": ["swap"]}, {"columns": ["score"]}, QueryError, "always there"),
        ({"query": ["swap"], "text": ["own"]}, {"columns": ["text"]}, QueryError, "rename"),
        ({"query": ["swap"], "rank": [1]}, {}, QueryError, "rename"),
        ({"query": ["swap"], "AsOf date": ["1970-03-01"]}, {}, QueryError, "rename"),
        ({"query": ["swap"], "group": ["rates"]}, {}, QueryError, "rename"),
        ({"query": ["swap"], "k": [3]}, {}, QueryError, "rename"),
        ({"trade": [7]}, {}, QueryError, "questions have the columns query"),
        ({"query": ["swap"], "as_of": [pd.Timestamp("1970-03-01")]}, {}, eagleray.InvalidTimeError, "zone="),
        ({"query": ["swap"]}, {"zone": "Mars/Olympus"}, eagleray.InvalidTimeError, "not an IANA time zone"),
    ],
)
def test_all_three_refuse_the_same(serve_with, questions, given, kind, words):
    error = ask_three(serve_with, lambda desk: desk.search_many(pd.DataFrame(questions), **given))
    assert isinstance(error, kind), error
    assert words in str(error)


def test_a_server_is_told_no_groups(serve_with):
    asked = pd.DataFrame({"query": ["swap"], "groups": ["rates"]})

    async def ask(served):
        async with make_async(served.app) as client:
            with pytest.raises(QueryError, match="a server knows them by the key"):
                await client.search_many(asked)

    serve_with(ask)


def test_parts_hold_no_more_than_a_server_answers_at_once():
    questions = [batches.Question(query="swap", k=k) for k in [10] * 300 + [1_000] * 25]
    parts = [len(part) for part in batches.cut_batches(questions)]
    assert sum(parts) == len(questions)
    assert parts[0] == batches.MAX_QUESTIONS
    assert max(parts) <= batches.MAX_QUESTIONS
    cut = list(batches.cut_batches(questions))
    assert max(sum(question.k for question in part) for part in cut) <= batches.MAX_HITS
    assert np.array_equal([one for part in cut for one in part], questions)


def test_the_bounds_are_those_of_the_server():
    from serve.http.native.search_bodies import MAX_BATCH_HITS, MAX_QUESTIONS

    assert (batches.MAX_QUESTIONS, batches.MAX_HITS) == (MAX_QUESTIONS, MAX_BATCH_HITS)
