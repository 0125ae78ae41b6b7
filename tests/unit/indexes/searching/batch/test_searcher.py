from __future__ import annotations

import random
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.differential import draw_request
from benchmarks.differential_world import make_world
from eagleray.contracts.hits import Granularity, SearchMode, SearchRequest
from eagleray.contracts.times import LATEST
from eagleray.errors import GuardError, QueryError
from indexes.searching.batch import searcher as batch_searcher
from tests.small_batches import list_single, open_tied, write_tied
from tests.small_collections import DAY


@pytest.fixture(scope="module", params=[41, 42, 43])
def world(request, tmp_path_factory):
    """A random collection, questions to it, some queries asked many times, and the single answers."""
    made = make_world(request.param, tmp_path_factory.mktemp("world"))
    drawn = random.Random(request.param)  # noqa: S311 - draws questions, not secrets
    requests = [draw_request(drawn) for _ in range(250)]
    requests += [replace(request, as_of=drawn.randrange(70)) for request in requests[:100]]
    for request in requests:
        if request.query not in made.embedder.vectors:
            made.embedder.draw(request.query)
    return made, requests, list_single(made.searcher, requests)


@pytest.mark.parametrize("max_bytes", [1, 1 << 14, 128 << 20])
def test_many_questions_are_answered_as_one_by_one_to_the_bit(world, max_bytes):
    made, requests, expected = world
    found = made.searcher.search_many(requests, max_bytes=max_bytes)
    assert [tuple(row.values()) for row in found.to_pylist()] == expected


def test_no_question_is_no_row(world):
    assert world[0].searcher.search_many([]).num_rows == 0


def test_a_question_that_cannot_be_asked_stops_the_whole_list(world):
    made, requests, _ = world
    with pytest.raises(QueryError, match="k must be at least 1"):
        made.searcher.search_many([*requests[:3], SearchRequest(query="swap", k=0)])


def test_no_number_of_threads_changes_an_answer(world):
    made, requests, _ = world
    alone = made.searcher.search_many(requests, n_threads=1)
    assert made.searcher.search_many(requests, n_threads=4).equals(alone)


def test_what_the_fast_path_does_not_know_is_answered_the_same(world, monkeypatch):
    made, requests, _ = world
    fast = made.searcher.search_many(requests)
    monkeypatch.setattr(batch_searcher, "MAX_K", 0)
    assert made.searcher.search_many(requests).equals(fast)


def test_very_many_hits_and_times_beyond_all_are_answered_one_by_one(world):
    made, requests, _ = world
    odd = [replace(request, k=batch_searcher.MAX_K + 1) for request in requests[:40]]
    odd += [replace(request, as_of=LATEST) for request in requests[:40]]
    found = made.searcher.search_many(odd)
    assert [tuple(row.values()) for row in found.to_pylist()] == list_single(made.searcher, odd)


def test_the_guard_looks_at_every_row_of_the_list(monkeypatch, tmp_path):
    made, drawn = make_world(41, tmp_path), random.Random(41)  # noqa: S311 - draws questions, not secrets
    requests = [draw_request(drawn) for _ in range(100)]
    for request in requests:
        made.embedder.draw(request.query)
    monkeypatch.setattr(
        "indexes.searching.targets.select_readable",
        lambda view, principal: np.full(view.group_bits.shape[1], 0xFF, dtype=np.uint8),
    )
    with pytest.raises(GuardError):
        made.searcher.search_many([replace(request, k=500) for request in requests])


def test_lexical_questions_load_no_model(world):
    made, requests, _ = world
    lexical = [replace(request, mode=SearchMode.LEXICAL, query="swap swap repo") for request in requests[:5]]
    assert "swap swap repo" not in made.embedder.vectors
    made.searcher.search_many(lexical)


@pytest.mark.parametrize("granularity", Granularity)
@pytest.mark.parametrize("mode", SearchMode)
def test_ties_go_to_the_lower_chunk_id_as_in_single_searches(tmp_path, rng, mode, granularity):
    searcher = open_tied(tmp_path, rng, n_documents=60, headings=[""])
    requests = [
        SearchRequest(
            query=f"{query} {number % 8}",
            as_of=int(rng.integers(0, 50)) * DAY,
            k=int(rng.integers(1, 40)),
            mode=mode,
            granularity=granularity,
        )
        for number, query in enumerate(["swap", "repo bond", "margin swap", "nothing at all"] * 15)
    ]
    found = [tuple(row.values()) for row in searcher.search_many(requests).to_pylist()]
    assert found == list_single(searcher, requests)
    assert len({row[4] for row in found}) < len(found) / 4  # most scores are tied


def test_similarities_take_no_more_memory_than_allowed(tmp_path, rng):
    tied = write_tied(tmp_path, rng, n_documents=400)
    searcher = tied.open_searcher()
    requests = [
        SearchRequest(query=f"x{number} {number % 8}", k=1, mode=SearchMode.DENSE) for number in range(2_000)
    ]
    searcher.search_many(requests[:2], n_threads=1)
    peaks = {}
    for max_bytes in (400_000, 64 << 20):
        tracemalloc.start()
        searcher.search_many(requests, max_bytes=max_bytes, n_threads=1)
        peaks[max_bytes] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peaks[64 << 20] > 4 * tied.n_rows * len(requests) > 8_000_000
    assert peaks[400_000] < 5_000_000
