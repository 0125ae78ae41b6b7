"""Threads over segments change no answer, always come to an end, and fail as one thread does."""

from __future__ import annotations

import gc
import itertools
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from benchmarks.differential import draw_request
from benchmarks.differential_world import N_MOMENTS, make_world
from eagleray.contracts.hits import Granularity, PlanKind, Ranking, SearchMode, SearchRequest
from eagleray.contracts.indexes import TextField
from eagleray.contracts.principals import Principal
from indexes.dense.flat import FlatIndex
from indexes.masks.grammar import parse_filter
from indexes.planning import plans
from indexes.searching import channels
from indexes.searching.segment_threads import IN_TURN, SegmentThreads
from tests.unit.indexes.searching.conftest import EVERYBODY

SEED = 13
"""Four segments, two of them with inverted lists."""

FILTERS = (None, 'year >= 2019 and not ticker = "XY"', 'text matches "swap" or tags contains "b"')
CALLERS = (
    EVERYBODY,
    Principal(subject="rates", groups=frozenset({"rates"})),
    Principal(subject="tokyo", groups=frozenset({"credit"}), zones=frozenset({"tokyo"})),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = make_world(SEED, tmp_path_factory.mktemp("threads"))
    for text in ("swap spread", "issuer rating margin call"):
        made.embedder.draw(text)
    return made


@pytest.fixture
def opened(world, monkeypatch):
    """Return searchers with 1, 2 and 4 threads over the same segments, which prefer inverted lists.

    The segments are small, so sharing them is made to look worth it.
    """
    monkeypatch.setattr(channels, "_WORTH_SHARING", 0.0)
    for cost in ("APPROXIMATE", "LIST", "CODE"):
        monkeypatch.setattr(plans, cost, 0.0)
    searchers = [world.open_searcher(n_threads=n) for n in (1, 2, 4)]
    yield searchers
    for searcher in searchers:
        searcher.close()


def show(searcher, request):
    """Return all of an answer but its times."""
    answer = searcher.search(request)
    return answer.hits, replace(answer.explanation, timings_ms={})


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.subject)
@pytest.mark.parametrize("text", FILTERS)
@pytest.mark.parametrize("mode", list(SearchMode))
def test_no_number_of_threads_changes_an_answer_or_its_explanation(opened, mode, text, caller):
    n_hits, kinds = 0, set()
    moments, granularities = (None, N_MOMENTS // 2, N_MOMENTS), list(Granularity)
    for as_of, granularity, is_exact in itertools.product(moments, granularities, (False, True)):
        request = SearchRequest(
            query="issuer rating margin call",
            mode=mode,
            as_of=as_of,
            granularity=granularity,
            filter=None if text is None else parse_filter(text),
            principal=caller,
            exact=is_exact,
            ranking=Ranking(boosts={TextField.TITLE: 2.0} if is_exact else None),
        )
        alone, two, four = (show(searcher, request) for searcher in opened)
        assert two == alone
        assert four == alone
        n_hits += len(alone[0])
        kinds.update(segment.plan for segment in alone[1].segments)
    assert n_hits
    assert mode is not SearchMode.DENSE or PlanKind.APPROXIMATE in kinds


@pytest.mark.parametrize("seed", range(3))
def test_drawn_questions_have_the_same_answers_by_any_number_of_threads(opened, world, seed):
    drawn = random.Random(seed)  # noqa: S311 - draws questions, not secrets
    for _ in range(60):
        request = draw_request(drawn)
        if request.query not in world.embedder.vectors:
            world.embedder.draw(request.query)
        alone, two, four = (show(searcher, request) for searcher in opened)
        assert two == alone
        assert four == alone


def test_many_searches_that_share_few_threads_all_end_with_the_answers_of_one(opened):
    requests = [
        SearchRequest(query="swap spread", mode=mode, as_of=as_of, principal=EVERYBODY)
        for mode in SearchMode
        for as_of in range(0, N_MOMENTS, 3)
    ]
    alone = [show(opened[0], request) for request in requests]
    with ThreadPoolExecutor(16) as callers:
        for searcher in opened[1:]:
            asked = [callers.submit(show, searcher, request) for request in requests]
            assert [call.result(timeout=60) for call in asked] == alone


class FailingIndex:
    """An index that fails while it is told to, and otherwise is the one that it stands for."""

    def __init__(self, index, fault):
        self.index, self.fault = index, fault

    def search(self, query, **limits):
        if self.fault.is_set():
            raise OSError("the disk is gone")
        return self.index.search(query, **limits)

    def __getattr__(self, name):
        return getattr(self.index, name)


@pytest.mark.parametrize("place", range(4))
def test_what_a_segment_raises_reaches_the_caller_and_the_next_search_answers(
    opened, world, place, monkeypatch
):
    request = SearchRequest(query="swap spread", principal=EVERYBODY)
    alone, views, fault = show(opened[0], request), [*world.views], threading.Event()
    failing = views[place]
    if failing.inverted is not None:
        views[place] = replace(failing, inverted=FailingIndex(failing.inverted, fault))

    def open_flat(vectors, ids):
        index = FlatIndex(vectors, ids)
        return FailingIndex(index, fault) if vectors is failing.vectors else index

    monkeypatch.setattr(channels, "FlatIndex", open_flat)
    for n_threads in (1, 2, 4):
        searcher = replace(world, views=views).open_searcher(n_threads=n_threads)
        fault.set()
        with pytest.raises(OSError, match="the disk is gone"):
            searcher.search(request)
        fault.clear()
        assert show(searcher, request) == alone
        searcher.close()


def test_of_two_failures_the_first_in_the_order_of_the_parts_is_raised():
    has_failed = threading.Event()

    def fail(part):
        if part == 0:
            assert has_failed.wait(60)
            raise ValueError("part 0")
        has_failed.set()
        raise KeyError(part)

    threads = SegmentThreads(2)
    with pytest.raises(ValueError, match="part 0"):
        threads.map(fail, range(3))
    threads.close()


def test_parts_are_shared_and_results_stand_in_their_order():
    """Both parts wait for each other, so that one thread alone would never end."""
    met = threading.Barrier(2, timeout=60)

    def meet(part):
        met.wait()
        return part, threading.get_ident()

    threads = SegmentThreads(2)
    found = threads.map(meet, ["a", "b"])
    threads.close()
    assert [part for part, _ in found] == ["a", "b"]
    assert len({ident for _, ident in found}) == 2


def test_nobody_waits_for_a_thread_that_has_not_begun():
    """The one other thread is held; a second caller does its parts alone."""
    threads, is_held, may_go = SegmentThreads(2), threading.Barrier(3, timeout=60), threading.Event()

    def hold(part):
        is_held.wait()
        assert may_go.wait(60)
        return part

    first = ThreadPoolExecutor(1)
    held = first.submit(threads.map, hold, [1, 2])
    is_held.wait()
    assert threads.map(lambda part: 10 * part, [1, 2, 3]) == [10, 20, 30]
    may_go.set()
    assert held.result(timeout=60) == [1, 2]
    first.shutdown()
    threads.close()


def test_one_thread_or_one_part_is_the_callers_own():
    threads = SegmentThreads(4)
    mine = threading.get_ident()
    assert IN_TURN.map(lambda _: threading.get_ident(), [1, 2, 3]) == [mine] * 3
    assert threads.map(lambda _: threading.get_ident(), [1]) == [mine]
    assert threads.map(lambda _: threading.get_ident(), []) == []
    threads.close()


def list_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("eagleray-segment")]


def test_threads_end_when_a_searcher_is_closed_and_it_still_answers(world, monkeypatch):
    monkeypatch.setattr(channels, "_WORTH_SHARING", 0.0)
    request = SearchRequest(query="swap spread", principal=EVERYBODY)
    before, searcher = list_threads(), world.open_searcher(n_threads=4)
    answer = show(searcher, request)
    begun = [thread for thread in list_threads() if thread not in before]
    assert 1 <= len(begun) <= 3
    searcher.close()
    searcher.close()
    assert not any(thread.is_alive() for thread in begun)
    assert show(searcher, request) == answer


def test_a_search_that_costs_little_stays_in_its_thread(world):
    before, searcher = list_threads(), world.open_searcher(n_threads=4)
    searcher.search(SearchRequest(query="swap spread", principal=EVERYBODY))
    assert list_threads() == before
    searcher.close()


def test_threads_end_when_nobody_holds_the_searcher_any_more(world, monkeypatch):
    monkeypatch.setattr(channels, "_WORTH_SHARING", 0.0)
    before, searcher = list_threads(), world.open_searcher(n_threads=2)
    searcher.search(SearchRequest(query="swap spread", principal=EVERYBODY))
    begun = [thread for thread in list_threads() if thread not in before]
    assert len(begun) == 1
    del searcher
    gc.collect()
    begun[0].join(timeout=60)
    assert not begun[0].is_alive()
