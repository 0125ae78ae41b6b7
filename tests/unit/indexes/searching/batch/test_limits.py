"""Least scores and few chunks of a document: the fast path gives what single searches give."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import pytest

from eagleray.contracts.hits import Granularity, Ranking, SearchMode, SearchRequest
from eagleray.contracts.indexes import TextField
from eagleray.contracts.principals import Principal
from tests.small_batches import list_single, open_tied
from tests.small_collections import DAY

EVERYBODY = Principal(subject="all", groups=frozenset({"rates", "credit"}))
QUERIES = ["swap", "repo bond", "margin swap repo", "nothing at all"]
N_PER_DOCUMENT = [None, 1, 2]


def draw_limited(rng, scores, *, n):
    """Every mode, granularity and number of chunks; least scores are often those of hits, to the bit."""
    requests = []
    kinds = itertools.product(SearchMode, Granularity, N_PER_DOCUMENT, [None, {TextField.TITLE: 0.5}])
    for number, (mode, granularity, n_per_document, boosts) in zip(
        range(n), itertools.cycle(list(kinds)), strict=False
    ):
        floors = {
            "min_score": float(rng.choice(scores[mode]["score"])),
            "min_dense": None if mode is SearchMode.LEXICAL else float(rng.choice(scores[mode]["dense"])),
            "min_lexical": None if mode is SearchMode.DENSE else float(rng.choice(scores[mode]["lexical"])),
        }
        requests.append(
            SearchRequest(
                query=f"{QUERIES[int(rng.integers(len(QUERIES)))]} {number % 8}",
                k=int(rng.integers(1, 40)),
                mode=mode,
                granularity=granularity,
                as_of=int(rng.integers(10, 50)) * DAY,
                principal=EVERYBODY,
                ranking=Ranking(
                    boosts=boosts,
                    n_per_document=n_per_document if granularity is Granularity.CHUNK else None,
                    **{name: floor for name, floor in floors.items() if rng.random() < 0.4},
                ),
            )
        )
    return requests


@pytest.mark.usefixtures("only_fast")
def test_limited_questions_are_answered_fast_and_as_one_by_one_to_the_bit(tmp_path, rng):
    searcher = open_tied(tmp_path, rng, n_documents=40)
    scores = {}
    for mode in SearchMode:
        asked = [
            SearchRequest(query=f"{query} {number}", mode=mode, principal=EVERYBODY, k=60)
            for number, query in enumerate(QUERIES)
        ]
        scores[mode] = searcher.search_many(asked).to_pydict()
    requests = draw_limited(rng, scores, n=432)
    expected = list_single(searcher, requests)
    found = searcher.search_many(requests).to_pylist()
    assert [tuple(row.values()) for row in found] == expected
    unlimited = [replace(request, ranking=Ranking()) for request in requests]
    counts = Counter(row[0] for row in list_single(searcher, unlimited))
    fewer = [number for number in range(len(requests)) if 0 < found_of(found, number) < counts[number]]
    assert len(fewer) > 50  # limits do keep rows away


def found_of(found, number):
    """Return the hits of one question."""
    return sum(row["question"] == number for row in found)


@pytest.mark.usefixtures("only_fast")
@pytest.mark.parametrize("mode", SearchMode)
def test_a_document_has_no_more_chunks_than_wanted(tmp_path, rng, mode):
    searcher = open_tied(tmp_path, rng, n_documents=40)
    most = {}
    for n in (1, 2, 3):
        request = SearchRequest(
            query="swap repo 0",
            mode=mode,
            granularity=Granularity.CHUNK,
            principal=EVERYBODY,
            k=200,
            ranking=Ranking(n_per_document=n),
        )
        most[n] = max(Counter(searcher.search_many([request])["doc_id"].to_pylist()).values())
    assert most == {1: 1, 2: 2, 3: 3}


@pytest.mark.usefixtures("only_fast")
@pytest.mark.parametrize("name", ["score", "dense", "lexical"])
def test_a_row_that_just_reaches_the_least_score_is_a_hit(tmp_path, rng, name):
    searcher = open_tied(tmp_path, rng, n_documents=40)
    request = SearchRequest(query="swap repo 0", granularity=Granularity.CHUNK, principal=EVERYBODY, k=200)
    values = searcher.search_many([request])[name].to_pylist()
    least = sorted(values)[len(values) // 2]
    limited = replace(request, ranking=Ranking(**{f"min_{name}": least}))
    found = searcher.search_many([limited])[name].to_pylist()
    assert sorted(found) == sorted(value for value in values if value >= least)
    assert least in found
