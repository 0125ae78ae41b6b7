from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.differential import draw_request
from benchmarks.differential_world import make_world
from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.errors import GuardError, QueryError
from indexes.dense import shortlists
from indexes.dense.flat import FlatIndex
from indexes.dense.queries import DenseQuery
from indexes.dense.shortlists import find_by_shortlist
from indexes.selections import select_mask
from tests.contract.dense.conftest import DIM, make_clusters


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A random collection and questions to it, some queries asked many times."""
    made = make_world(41, tmp_path_factory.mktemp("world"))
    drawn = random.Random(41)  # noqa: S311 - draws questions, not secrets
    requests = [draw_request(drawn) for _ in range(250)]
    requests += [replace(request, as_of=drawn.randrange(70)) for request in requests[:100]]
    for request in requests:
        if request.query not in made.embedder.vectors:
            made.embedder.draw(request.query)
    return made, requests


def list_single(searcher, requests):
    rows = []
    for question, request in enumerate(requests):
        hits = searcher.search(replace(request, exact=True)).hits
        rows += [
            (question, rank, hit.chunk_id, hit.doc_id, hit.score, hit.dense, hit.lexical)
            for rank, hit in enumerate(hits, start=1)
        ]
    return rows


@pytest.mark.parametrize("max_bytes", [1, 1 << 14, 128 << 20])
def test_many_questions_are_answered_as_one_by_one_to_the_bit(world, max_bytes):
    made, requests = world
    found = made.searcher.search_many(requests, max_bytes=max_bytes)
    assert [tuple(row.values()) for row in found.to_pylist()] == list_single(made.searcher, requests)


def test_where_a_shortlist_cannot_tell_every_row_is_compared(world, monkeypatch):
    made, requests = world
    expected = list_single(made.searcher, requests[:60])
    monkeypatch.setattr(shortlists, "bound_rounding", lambda dim: 10.0)
    found = made.searcher.search_many(requests[:60])
    assert [tuple(row.values()) for row in found.to_pylist()] == expected


def test_no_question_is_no_row(world):
    assert world[0].searcher.search_many([]).num_rows == 0


def test_a_question_that_cannot_be_asked_stops_the_whole_list(world):
    made, requests = world
    with pytest.raises(QueryError, match="k must be at least 1"):
        made.searcher.search_many([*requests[:3], SearchRequest(query="swap", k=0)])


def test_the_guard_looks_at_every_row_of_the_list(world, monkeypatch, tmp_path):
    _, requests = world
    made = make_world(41, tmp_path)
    for request in requests:
        made.embedder.draw(request.query)
    monkeypatch.setattr(
        "indexes.searching.targets.select_readable",
        lambda view, principal: np.full(view.group_bits.shape[1], 0xFF, dtype=np.uint8),
    )
    with pytest.raises(GuardError):
        made.searcher.search_many([replace(request, k=500) for request in requests])


def test_a_shortlist_is_the_exact_answer_or_none(rng):
    vectors = make_clusters(51, n=2_000)
    ids = rng.permutation(2_000)
    flat, answered = FlatIndex(vectors, ids), 0
    for query in make_clusters(52, n=100):
        asked = DenseQuery(query, dim=DIM)
        selection = select_mask(rng.random(2_000) < 0.4)
        expected = flat.search(asked, k=10, selection=selection, effort=None)
        found = find_by_shortlist(vectors @ query, vectors, ids, query=asked, k=10, selection=selection)
        if found is not None:
            answered += 1
            assert found.rows.tolist() == expected.rows.tolist()
            assert found.similarities.tobytes() == expected.similarities.tobytes()
    assert answered >= 90


def test_lexical_questions_load_no_model(world):
    made, requests = world
    lexical = [replace(request, mode=SearchMode.LEXICAL, query="swap swap repo") for request in requests[:5]]
    assert "swap swap repo" not in made.embedder.vectors
    made.searcher.search_many(lexical)
