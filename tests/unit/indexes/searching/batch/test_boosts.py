"""Questions whose words count in titles and headings, too: the fast path gives what single searches give."""

from __future__ import annotations

import itertools
import tracemalloc
from dataclasses import replace

import pytest

from eagleray.contracts.hits import Granularity, Ranking, SearchMode, SearchRequest
from eagleray.contracts.indexes import TextField
from eagleray.contracts.manifests import FittedRanking
from eagleray.contracts.principals import Principal
from indexes.masks.grammar import parse_filter
from tests.small_batches import list_single, open_tied, write_tied
from tests.small_collections import DAY

TITLE, HEADING = TextField.TITLE, TextField.HEADING
QUERIES = ["swap", "repo bond", "margin swap repo", "nothing at all", '"repo swap" bond', "ma* swap swap"]
BOOSTS = [None, {}, {TITLE: 0.5}, {TITLE: 0.0, HEADING: 1.7}, {HEADING: 0.3, TITLE: 2.0}]
FITTED = FittedRanking(dense_weight=0.2, boosts={HEADING: 0.7, TITLE: 1.3}, n_questions=50)


def draw_boosted(rng, *, n):
    """Every mode, granularity and boost, each as of a time, with groups and a filter by chance."""
    groups = [frozenset(), frozenset({"rates"}), frozenset({"rates", "credit"})]
    filters = [None, None, parse_filter("year < 2050"), parse_filter('ticker = "swap"')]
    requests = []
    for number, (mode, granularity, boosts) in zip(
        range(n), itertools.cycle(itertools.product(SearchMode, Granularity, BOOSTS)), strict=False
    ):
        requests.append(
            SearchRequest(
                query=f"{QUERIES[int(rng.integers(len(QUERIES)))]} {number % 8}",
                k=int(rng.integers(1, 40)),
                mode=mode,
                granularity=granularity,
                as_of=None if rng.random() < 0.1 else int(rng.integers(-1, 50)) * DAY,
                filter=filters[int(rng.integers(len(filters)))],
                principal=Principal(subject="drawn", groups=groups[int(rng.integers(len(groups)))]),
                ranking=Ranking(boosts=boosts, dense_weight=0.6 if rng.random() < 0.2 else None),
            )
        )
    return requests


@pytest.mark.usefixtures("only_fast")
@pytest.mark.parametrize("fitted", [None, FITTED])
def test_boosted_questions_are_answered_fast_and_as_one_by_one_to_the_bit(tmp_path, rng, fitted):
    searcher = open_tied(tmp_path, rng, n_documents=40, fitted=fitted)
    requests = draw_boosted(rng, n=150)
    expected = list_single(searcher, requests)
    for max_bytes, n_threads in ((1, 1), (1 << 13, 2), (128 << 20, 2)):
        found = searcher.search_many(requests, max_bytes=max_bytes, n_threads=n_threads)
        assert [tuple(row.values()) for row in found.to_pylist()] == expected
    assert len({(row[0], row[4]) for row in expected}) < 0.7 * len(expected)  # many scores are tied


@pytest.mark.usefixtures("only_fast")
@pytest.mark.parametrize("mode", [SearchMode.LEXICAL, SearchMode.HYBRID])
@pytest.mark.parametrize("field", [TITLE, HEADING])
def test_a_boost_counts_whether_the_question_or_the_collection_names_it(tmp_path, rng, mode, field):
    tied = write_tied(tmp_path, rng, n_documents=20)
    weights = FittedRanking(dense_weight=0.35, boosts={field: 2.0}, n_questions=50)
    plain, fitted = tied.open_searcher(), tied.open_searcher(weights)
    request = SearchRequest(
        query="margin swap 1", mode=mode, k=100, principal=Principal(subject="r", groups=frozenset({"rates"}))
    )
    asked = plain.search_many([request, replace(request, ranking=Ranking(boosts={field: 2.0}))]).to_pylist()
    without, with_boost = ([row for row in asked if row["question"] == number] for number in range(2))
    found = fitted.search_many([request]).to_pylist()
    assert found == [{**row, "question": 0} for row in with_boost]
    lexical = [{row["chunk_id"]: row["lexical"] for row in rows} for rows in (without, with_boost)]
    more = [lexical[1][row] - score for row, score in lexical[0].items() if row in lexical[1]]
    assert min(more) == 0.0 < max(more)


@pytest.mark.usefixtures("only_fast")
def test_a_row_whose_title_alone_holds_a_word_is_a_hit_of_words(tmp_path, rng):
    searcher = open_tied(tmp_path, rng, n_documents=20)
    everybody = Principal(subject="r", groups=frozenset({"rates", "credit"}))
    request = SearchRequest(
        query="bond 0", mode=SearchMode.LEXICAL, granularity=Granularity.CHUNK, k=200, principal=everybody
    )
    boosted = replace(request, ranking=Ranking(boosts={TITLE: 1.0}))
    found = searcher.search_many([request, boosted]).to_pylist()
    bodies, titles = ({row["chunk_id"] for row in found if row["question"] == number} for number in range(2))
    assert bodies < titles


@pytest.mark.usefixtures("only_fast")
def test_boosted_questions_take_no_more_memory_than_allowed(tmp_path, rng):
    tied = write_tied(tmp_path, rng, n_documents=270)
    searcher = tied.open_searcher()
    boosts = {TITLE: 0.5, HEADING: 0.5}
    requests = [
        SearchRequest(query=f"swap bond {number}x {number % 8}", k=1, ranking=Ranking(boosts=boosts))
        for number in range(2_000)
    ]
    searcher.search_many(requests[:2], n_threads=1)
    tracemalloc.start()
    searcher.search_many(requests, max_bytes=400_000, n_threads=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 4 * tied.n_rows * len(requests) > 8_000_000
    assert peak < 6_000_000
