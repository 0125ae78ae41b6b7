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
from indexes.searching.searcher import Searcher
from indexes.segments.opening import open_segment
from indexes.snapshots.patches import read_patch
from indexes.storage import open_store
from tests.small_batches import TableEmbedder, list_single
from tests.small_collections import DAY, SPEC, make_rows, make_vectors, put_changes, put_segment

TITLE, HEADING = TextField.TITLE, TextField.HEADING
TITLES = ["", "swap", "repo swap swap", "bond of a repo", "margin"]
HEADINGS = ["", "", "bond", "swap repo", "vega and margin swap"]
TEXTS = ["swap repo", "swap swap bond", "bond repo", "margin", "nothing of it"]
QUERIES = ["swap", "repo bond", "margin swap repo", "nothing at all", '"repo swap" bond', "ma* swap swap"]
BOOSTS = [None, {}, {TITLE: 0.5}, {TITLE: 0.0, HEADING: 1.7}, {HEADING: 0.3, TITLE: 2.0}]
FITTED = FittedRanking(dense_weight=0.2, boosts={HEADING: 0.7, TITLE: 1.3}, n_questions=50)


def open_tied(tmp_path, rng, *, n_documents, fitted=None):
    """Three segments, the last without a title, whose few texts and vectors repeat; some rows are closed."""
    store, vectors, digests, closed = open_store(tmp_path), make_vectors(rng, 8), [], []
    for part in range(3):
        rows = make_rows(rng, n_documents=n_documents, first=part * n_documents)
        for row in rows:
            row["title"] = "" if part == 2 else str(rng.choice(TITLES))
            row["heading"], row["text"] = str(rng.choice(HEADINGS)), str(rng.choice(TEXTS))
        digests.append(put_segment(store, rows, vectors[rng.integers(0, 4, len(rows))]))
        closed += [(row["chunk_id"], row["known_from"] + 5 * DAY, None) for row in rows[::5]]
    tables = [read_patch(store, SPEC.name, put_changes(store, closed)).changes]
    views = [open_segment(store, SPEC.name, digest, patches=tables) for digest in digests]
    embedder = TableEmbedder(vectors)
    return Searcher("b" * 64, views, attributes=views[0].attributes, embedder=embedder, fitted=fitted)


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


@pytest.fixture
def only_fast(monkeypatch):
    """Nothing is answered the way of single searches."""

    def refuse(request, *_, **__):
        raise AssertionError(f"asked one by one: {request}")

    monkeypatch.setattr("indexes.searching.batch.searcher.answer_one", refuse)


@pytest.mark.usefixtures("only_fast")
@pytest.mark.parametrize("fitted", [None, FITTED])
def test_boosted_questions_are_answered_fast_and_as_one_by_one_to_the_bit(tmp_path, rng, fitted):
    searcher = open_tied(tmp_path, rng, n_documents=40, fitted=fitted)
    requests = draw_boosted(rng, n=360)
    expected = list_single(searcher, requests)
    for max_bytes, n_threads in ((1, 1), (1 << 13, 2), (128 << 20, 2)):
        found = searcher.search_many(requests, max_bytes=max_bytes, n_threads=n_threads)
        assert [tuple(row.values()) for row in found.to_pylist()] == expected
    assert len({(row[0], row[4]) for row in expected}) < 0.7 * len(expected)  # many scores are tied


@pytest.mark.usefixtures("only_fast")
@pytest.mark.parametrize("mode", [SearchMode.LEXICAL, SearchMode.HYBRID])
@pytest.mark.parametrize("field", [TITLE, HEADING])
def test_a_boost_counts_whether_the_question_or_the_collection_names_it(tmp_path, rng, mode, field):
    plain = open_tied(tmp_path, rng, n_documents=20)
    fitted = Searcher(
        "b" * 64,
        plain._batch._segments,
        attributes=plain._attributes,
        embedder=plain._embedder,
        fitted=FittedRanking(dense_weight=0.35, boosts={field: 2.0}, n_questions=50),
    )
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
    searcher = open_tied(tmp_path, rng, n_documents=270)
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
    assert 4 * searcher._batch._columns.n_rows * len(requests) > 8_000_000
    assert peak < 6_000_000
