"""The same questions to the collection in this process and to both clients of a server: all is equal."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date

import httpx
import numpy as np
import pandas as pd
import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import eagleray
from eagleray.cli.questions import report_answer
from eagleray.client import AsyncRemoteCollection, LocalCollection
from eagleray.client.cited_questions import AskArguments
from eagleray.client.conversation import Retrying
from eagleray.client.endpoints import read_endpoint
from eagleray.client.questions import SearchArguments
from eagleray.client.retrying import RetryPolicy
from eagleray.client.transports import AsyncHttpTransport
from eagleray.contracts.cited_answers import CitedAnswer
from eagleray.contracts.hits import SearchResponse
from eagleray.errors import AuthenticationError, EagleRayError, ForbiddenError, NotPublishedError
from eagleray.parts import ANSWERS, INDEX
from eagleray.settings import Settings
from tests.small_collections import SPEC
from tests.waiting import wait_until

GROUPS = ("rates", "credit", "desk")
ONCE = Retrying(policy=RetryPolicy(max_attempts=1))

ANSWERED = [
    ("search", {}),
    *[
        ("search", {"mode": mode, "granularity": kind})
        for mode in ("dense", "lexical")
        for kind in ("document", "chunk")
    ],
    ("search", {"k": 1}),
    ("search", {"k": 40, "granularity": "chunk"}),
    ("search", {"as_of": "1970-03-01"}),
    ("search", {"as_of": date(1970, 1, 20), "granularity": "chunk"}),
    ("search", {"as_of": pd.Timestamp("1970-02-25T12:00:00.000001", tz="America/New_York")}),
    ("search", {"filter": 'year >= 2003 and not ticker = "swap"'}),
    ("search", {"filter": "year = 1900"}),
    ("search", {"ranking": eagleray.Ranking(boosts={"title": 2.0}, dense_weight=0.2)}),
    ("search", {"ranking": eagleray.Ranking(fusion=eagleray.Fusion.RECIPROCAL_RANK)}),
    ("search", {"ranking": eagleray.Ranking(n_per_document=1, diversity=0.3), "granularity": "chunk"}),
    ("search", {"ranking": eagleray.Ranking(min_score=0.4)}),
    ("search", {"ranking": eagleray.Ranking(min_relevance=0.3)}),
    ("more_like", {"query": "doc-2"}),
]
OTHERS = [
    ("ask", {}),
    ("ask", {"query": "zzz", "mode": "lexical"}),
    ("ask", {"k": 30, "max_citations": 9, "as_of": "1970-03-01", "filter": "year >= 2003"}),
    ("count_values", {"query": "ticker"}),
    ("count_values", {"query": "tags", "n": 1, "filter": "year >= 2003"}),
    ("count_values", {"query": "yield", "as_of": "1970-03-01"}),
    ("count_values", {"query": "known_from", "as_of": date(1970, 1, 20)}),
    ("count_values", {"query": "year", "filter": "year = 1900"}),
    ("show_document", {"query": "doc-2"}),
    ("show_document", {"query": "doc-5", "as_of": "1970-03-01"}),
    ("search_batch", {"query": ["swap bond", "curve", "zzz"], "k": 4, "granularity": "chunk"}),
    ("search_batch", {"query": []}),
    ("search_batch", {"query": ["swap", "swap"], "as_of": "1970-03-01", "filter": "year >= 2003"}),
]
REFUSED = [
    ("ask", {"query": " "}),
    ("ask", {"pipeline": "extractiv"}),
    ("ask", {"max_citations": 21}),
    ("ask", {"filter": "nothing = 1"}),
    ("search", {"query": " "}),
    ("search", {"k": 0}),
    ("search", {"mode": "magic"}),
    ("search", {"as_of": "yesterday"}),
    ("search", {"as_of": "1970-03-01T10:00:00"}),
    ("search", {"filter": "year >="}),
    ("search", {"filter": "nothing = 1"}),
    ("search", {"filter": 'year = "x"'}),
    ("search", {"ranking": eagleray.Ranking(dense_weight=2.0)}),
    ("search", {"ranking": eagleray.Ranking(min_relevance=1.5)}),
    ("more_like", {"query": "doc-2", "ranking": eagleray.Ranking(min_relevance=0.5)}),
    ("search", {"ranking": eagleray.Ranking(min_score=float("nan"))}),
    ("search", {"ranking": eagleray.Ranking(boosts={"body": 2.0})}),
    ("search", {"ranking": eagleray.Ranking(n_per_document=2)}),
    ("search", {"rerank": 20}),
    ("more_like", {"query": "no-such-document"}),
    ("show_document", {"query": "no-such/document?a=b&c"}),
    ("show_document", {"query": "doc-2", "as_of": "yesterday"}),
    ("count_values", {"query": "tikcer"}),
    ("count_values", {"query": "ticker", "n": 0}),
    ("count_values", {"query": "ticker", "filter": "nothing = 1"}),
    ("search_batch", {"query": ["swap", " "]}),
    ("search_batch", {"query": ["swap"], "filter": "year >="}),
]
SAME_MESSAGE = ("as_of", "filter", "mode", "rerank")
SAME_DOCUMENT = ("more_like", "show_document")


@asynccontextmanager
async def listen(app):
    """Serve an application on a free loopback port; give its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        task = asyncio.create_task(server.serve(sockets=[listening]))
        await wait_until(lambda: server.started)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


def make_async(app, *, key="", collection=SPEC.name):
    """Return the awaiting client of an application in this process."""
    endpoint = read_endpoint("http://127.0.0.1", collection=collection, api_key=key, allow_http=False)
    transport = AsyncHttpTransport(endpoint, http=httpx.ASGITransport(app, raise_app_exceptions=False))
    return AsyncRemoteCollection(endpoint, transport, retrying=ONCE)


def ask(collection, method, options, **more):
    given = {"query": "swap bond", **options, **more}
    return getattr(collection, method)(given.pop("query"), **given)


def strip(response):
    """Return a response, or each of several, without how long it took."""
    if isinstance(response, tuple):
        return tuple(map(strip, response))
    if isinstance(response, CitedAnswer):
        return replace(response, retrieved=strip(response.retrieved))
    if not isinstance(response, SearchResponse):
        return response
    return replace(response, explanation=replace(response.explanation, timings_ms={}))


def catch(call):
    try:
        return strip(call())
    except EagleRayError as error:
        return error


@asynccontextmanager
async def open_all(served, *, groups=()):
    """Give what asks all three as one who may examine, and returns what each gives or raises."""
    engine = served.open_engine(served.watcher.state.snapshot)
    local = LocalCollection(engine, INDEX.load(Settings()), ANSWERS.load(Settings()), name=SPEC.name)
    async with listen(served.app) as url, make_async(served.app, key="examiner") as awaiting:
        with eagleray.connect(url, collection=SPEC.name, api_key="examiner") as blocking:

            async def ask_each(method, options):
                found = [catch(lambda: ask(local, method, options, groups=groups))]
                found.append(await asyncio.to_thread(catch, lambda: ask(blocking, method, options)))
                try:
                    found.append(strip(await ask(awaiting, method, options)))
                except EagleRayError as error:
                    found.append(error)
                return found

            yield ask_each


async def ask_all(served, method, options, *, groups):
    async with open_all(served, groups=groups) as ask_each:
        return await ask_each(method, options)


SOUND = {
    "k": st.integers(1, 30),
    "mode": st.sampled_from(["hybrid", "dense", "lexical"]),
    "as_of": st.sampled_from(["1970-01-05", "1970-03-01", date(1970, 1, 20), None]),
    "filter": st.sampled_from(["", "year >= 2003", 'ticker = "swap" or year < 2005', "year = 1900"]),
    "granularity": st.sampled_from(["document", "chunk"]),
    "exact": st.booleans(),
    "ranking": st.builds(
        eagleray.Ranking,
        boosts=st.sampled_from([None, {"title": 2.0}, {"heading": 0.5, "title": 1.0}]),
        fusion=st.sampled_from(list(eagleray.Fusion)),
        dense_weight=st.sampled_from([None, 0.0, 0.35, 1.0]),
        min_score=st.sampled_from([None, 0.1, 0.5]),
        min_dense=st.sampled_from([None, 0.0, 0.3]),
        min_lexical=st.sampled_from([None, 0.0, 2.0]),
        min_relevance=st.sampled_from([None, 0.0, 0.4]),
        diversity=st.sampled_from([0.0, 0.4]),
    ),
    "pipeline": st.sampled_from(["", "extractive"]),
    "max_citations": st.integers(1, 20),
    "n": st.integers(1, 30),
}
"""Values of arguments that can be asked."""

FAULTS = {
    "k": st.integers(-2, 0),
    "mode": st.sampled_from(["magic", "", "DENSE"]),
    "as_of": st.sampled_from(["yesterday", "1970-03-01T10:00:00", ""]),
    "filter": st.sampled_from(["year >=", "nothing = 1", 'year = "x"', "("]),
    "ranking": st.sampled_from(
        [
            eagleray.Ranking(dense_weight=1.5),
            eagleray.Ranking(diversity=-0.1),
            eagleray.Ranking(boosts={"title": -1.0}),
            eagleray.Ranking(min_dense=float("inf")),
        ]
    ),
    "rerank": st.integers(1, 50),
    "pipeline": st.sampled_from(["extractiv", "x" * 300]),
    "max_citations": st.sampled_from([-1, 0, 21]),
    "n": st.integers(-2, 0),
}
"""Values of arguments that cannot."""

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 0),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=3),
    st.dates(),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=3)), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from([(), object(), np.int64(3), np.float64("nan"), np.bool_(True), np.array([1, 2]), pd.NaT]),
    st.builds(eagleray.Ranking, diversity=st.sampled_from([None, "1", True, float("nan")])),
    st.builds(eagleray.Ranking, boosts=st.sampled_from([(), {}, {"title": None}, {"title": 1}, {5: 1}, "x"])),
    st.builds(eagleray.Ranking, fusion=st.sampled_from(["convex", "magic", None, 1])),
    st.builds(eagleray.Ranking, n_per_document=st.sampled_from([0, 1.0, "1", True])),
)
"""Values of another type than an argument's, most of them; a server bounds whole numbers above 0."""

TEXT = st.sampled_from(["swap bond", "curve", '"basis swap"', "mar*", "zzz", "libor sofr swap vega"])
SUBJECTS = {
    "search": TEXT,
    "search_batch": st.lists(TEXT, min_size=1, max_size=3),
    "ask": TEXT,
    "more_like": st.sampled_from(["doc-2", "doc-5", "no-such-document"]),
    "count_values": st.sampled_from(["ticker", "year", "tags", "source", "tikcer"]),
    "show_document": st.sampled_from(["doc-1", "doc-2", "doc-7", "no/such?document"]),
}
"""What each method is asked first."""

ARGUMENTS = {
    **dict.fromkeys(("search", "search_batch", "more_like"), tuple(SearchArguments.__annotations__)),
    "ask": tuple(AskArguments.__annotations__),
    "count_values": ("n", "filter", "as_of"),
    "show_document": ("as_of",),
}


@st.composite
def draw_request(draw):
    """Draw a method and its arguments, at most one at fault: which of two is told is no promise."""
    method = draw(st.sampled_from(list(SUBJECTS)))
    names = [name for name in ARGUMENTS[method] if name in SOUND]
    chosen = draw(st.lists(st.sampled_from(names), unique=True))
    options = {name: draw(SOUND[name]) for name in chosen}
    if draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from([name for name in ARGUMENTS[method] if name in FAULTS]))
        options[name] = draw(FAULTS[name])
    return method, {"query": draw(SUBJECTS[method]), **options}


@st.composite
def draw_odd_request(draw):
    """Draw a method and its arguments, of which one may be anything."""
    method = draw(st.sampled_from(list(SUBJECTS)))
    name = draw(st.sampled_from(["query", *ARGUMENTS[method]]))
    return method, {"query": draw(SUBJECTS[method]), name: draw(ODD)}


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(requests=st.lists(draw_odd_request(), min_size=30, max_size=60))
def test_all_three_have_the_same_outcome_for_arguments_of_any_type(serve_with, requests):
    async def compare(served):
        async with open_all(served, groups=GROUPS) as ask_each:
            for method, options in requests:
                local, sync, awaited = await ask_each(method, options)
                assert type(sync) is type(awaited) is type(local), (method, options, local, sync, awaited)
                if not isinstance(local, EagleRayError):
                    assert sync == awaited == local, (method, options)

    serve_with(compare, groups=GROUPS)


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    requests=st.lists(draw_request(), min_size=15, max_size=30),
    groups=st.sampled_from([(), ("rates",), GROUPS]),
)
def test_all_three_agree_on_whatever_is_drawn(serve_with, requests, groups):
    async def compare(served):
        async with open_all(served, groups=groups) as ask_each:
            for method, options in requests:
                local, sync, awaited = await ask_each(method, options)
                assert type(sync) is type(awaited) is type(local), (method, options, local, sync, awaited)
                if isinstance(local, EagleRayError):
                    assert str(sync) == str(awaited)
                else:
                    assert sync == awaited == local, (method, options)

    serve_with(compare, groups=groups)


@pytest.mark.parametrize("groups", [(), GROUPS], ids=["nobody", "groups"])
@pytest.mark.parametrize(("method", "options"), ANSWERED, ids=str)
def test_all_three_give_equal_answers(serve_with, method, options, groups, capsys):
    async def compare(served):
        local, sync, awaited = await ask_all(served, method, options, groups=groups)
        assert not isinstance(local, EagleRayError), local
        assert repr(sync) == repr(awaited) == repr(local)
        assert sync == awaited == local
        shown = []
        for response in (local, sync):
            report = report_answer(response, is_explained=True)
            report.show()
            shown.append((report.value, capsys.readouterr().out))
        assert shown[0] == shown[1]

    serve_with(compare, groups=groups)


@pytest.mark.parametrize("groups", [(), GROUPS], ids=["nobody", "groups"])
@pytest.mark.parametrize(("method", "options"), OTHERS, ids=str)
def test_all_three_give_equal_counts_documents_and_batches(serve_with, method, options, groups):
    async def compare(served):
        local, sync, awaited = await ask_all(served, method, options, groups=groups)
        assert not isinstance(local, EagleRayError), local
        assert repr(sync) == repr(awaited) == repr(local)
        assert sync == awaited == local

    serve_with(compare, groups=groups)


@pytest.mark.parametrize(("method", "options"), REFUSED, ids=str)
def test_all_three_refuse_with_the_same_error(serve_with, method, options):
    async def compare(served):
        local, sync, awaited = await ask_all(served, method, options, groups=())
        assert isinstance(local, EagleRayError)
        assert type(sync) is type(awaited) is type(local), (local, sync, awaited)
        assert str(sync) == str(awaited)
        if set(options) & set(SAME_MESSAGE) or method in SAME_DOCUMENT:
            assert (str(sync), sync.fields) == (str(local), local.fields)

    serve_with(compare)


def test_frames_are_equal_down_to_the_types_of_columns(serve_with):
    async def compare(served):
        engine = served.open_engine(served.watcher.state.snapshot)
        local = LocalCollection(engine, INDEX.load(Settings()), ANSWERS.load(Settings()), name=SPEC.name)
        async with make_async(served.app) as client:
            for question in ("swap bond", "zzz"):
                frame = await client.search_frame(question, k=20, mode="lexical")
                wanted = local.search_frame(question, k=20, mode="lexical")
                pd.testing.assert_frame_equal(frame, wanted, check_exact=True)

    serve_with(compare)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"key": "wrong"}, AuthenticationError),
        ({"key": "writer"}, ForbiddenError),
        ({"collection": "other"}, NotPublishedError),
    ],
)
def test_who_may_not_ask_or_asks_for_what_is_not_there_is_told_as_in_process(serve_with, options, kind):
    async def compare(served):
        async with make_async(served.app, **options) as client:
            with pytest.raises(kind) as caught:
                await client.search("swap")
        assert type(caught.value) is kind
        assert "wrong" not in str(caught.value)

    serve_with(compare)
