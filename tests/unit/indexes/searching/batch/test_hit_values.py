from __future__ import annotations

import random
from dataclasses import replace

import pytest

from benchmarks.differential import draw_request
from benchmarks.differential_world import make_world
from eagleray.contracts.hits import SearchMode
from eagleray.contracts.many_hits import FIELDS, read_attribute_name
from eagleray.contracts.principals import Principal
from eagleray.errors import FilterColumnError, GuardError
from indexes.searching.sharded.ports import DirectPort
from indexes.searching.sharded.searcher import ShardedSearcher
from indexes.searching.sharded.shard import HeldSegments, Shard
from indexes.searching.targets import TargetFinder

ATTRIBUTES = ("ticker", "year", "tags", "mixed", "when", "attr.known_from")


@pytest.fixture(scope="module", params=[41, 42])
def world(request, tmp_path_factory):
    made = make_world(request.param, tmp_path_factory.mktemp("world"))
    drawn = random.Random(request.param)  # noqa: S311 - draws questions, not secrets
    requests = [draw_request(drawn) for _ in range(120)]
    for asked in requests:
        made.embedder.draw(asked.query)
    return made, requests


def read(hit, column):
    attribute = read_attribute_name(column)
    return getattr(hit, column) if attribute is None else hit.attributes.get(attribute)


def divide(made):
    shard = Shard(made.searcher.snapshot, HeldSegments(range(len(made.views)), TargetFinder(made.views)))
    return ShardedSearcher(
        made.searcher.snapshot, [DirectPort(shard)], n_segments=len(made.views), embedder=made.embedder
    )


def test_every_column_is_that_of_the_hits_of_single_searches(world):
    made, requests = world
    columns = [*FIELDS, *ATTRIBUTES]
    hits = [hit for request in requests for hit in made.searcher.search(replace(request, exact=True)).hits]
    assert len(hits) > 100
    for searcher in (made.searcher, divide(made)):
        found = searcher.search_columns(requests, columns=columns)
        assert found.table.equals(made.searcher.search_many(requests))
        assert list(found.values) == columns
        for column, values in found.values.items():
            assert list(values) == [read(hit, column) for hit in hits], column


@pytest.mark.parametrize("mode", SearchMode)
def test_least_relevance_leaves_out_what_it_leaves_out_of_single_searches(world, mode):
    made, requests = world
    asked = [
        replace(
            request,
            mode=mode,
            ranking=replace(request.ranking, min_relevance=0.4, min_dense=None, min_lexical=None),
        )
        for request in requests
    ]
    single = [[hit.chunk_id for hit in made.searcher.search(replace(one, exact=True)).hits] for one in asked]
    found = made.searcher.search_many(asked)
    assert found["chunk_id"].to_pylist() == [chunk for hits in single for chunk in hits]
    whole = [replace(one, ranking=replace(one.ranking, min_relevance=None)) for one in asked]
    judged = made.searcher.search_columns(whole, columns=["relevance"])
    kept = [value for value in judged.values["relevance"] if value >= 0.4]
    assert 0 < len(kept) == found.num_rows < judged.table.num_rows


def test_an_attribute_that_none_of_the_callers_knows_is_refused(world):
    made, requests = world
    nobody = [replace(requests[0], principal=Principal(subject="nobody", zones=frozenset()))]
    for searcher in (made.searcher, divide(made)):
        with pytest.raises(FilterColumnError, match="there is no column 'attributes.tiker'"):
            searcher.search_columns(requests, columns=["text", "tiker"])
        with pytest.raises(FilterColumnError, match="there is no column"):
            searcher.search_columns(nobody, columns=["ticker"])
        assert searcher.search_columns([*nobody, *requests], columns=["ticker"]).values["ticker"]


def test_no_value_of_a_row_outside_the_mask_is_read(world, monkeypatch):
    made, requests = world
    monkeypatch.setattr(
        "indexes.searching.batch.searcher.guard_found",
        lambda *_: (_ for _ in ()).throw(GuardError(chunk_id=1, rule="none")),
    )
    monkeypatch.setattr(
        "indexes.searching.batch.searcher.read_values", lambda *_: pytest.fail("a row was read")
    )
    with pytest.raises(GuardError):
        made.searcher.search_columns(requests, columns=["text"])
