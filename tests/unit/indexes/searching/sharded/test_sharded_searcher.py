"""A snapshot searched in parts must give the answer of the whole one, to the bit."""

from __future__ import annotations

import pickle
import random
import weakref
from concurrent.futures import Future
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.differential import draw_filter, draw_request
from benchmarks.differential_world import make_world
from eagleray.contracts.hits import FacetRequest, Fusion, Ranking, SearchMode, SearchRequest
from eagleray.contracts.indexes import TextField
from eagleray.contracts.shown_documents import DocumentRequest
from eagleray.errors import DocumentNotFoundError, FilterColumnError, ShardError, StoreError
from indexes.dense.queries import DenseQuery
from indexes.planning import plans
from indexes.searching.searcher import Searcher
from indexes.searching.sharded.searcher import ShardedSearcher
from indexes.searching.sharded.shard import HeldSegments, Shard
from indexes.searching.sharded.steps import CountWords, Look, Present, ShardQuestion
from indexes.searching.targets import Scope, TargetFinder
from indexes.shard_service import divide_segments
from tests.unit.indexes.searching.conftest import EVERYBODY


def copy(value):
    """Return what another process would be given."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - of this test's own making


class PickledPort:
    """Reaches a shard as another process would: what goes there and comes back are bytes."""

    def __init__(self, shard):
        self._shard, self.n_steps = shard, 0

    def answer(self, step):
        future = Future()
        try:
            back = copy(self._shard.answer(copy(step)))
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            future.set_exception(copy(error))
            return future
        self.n_steps += 1
        future.set_result(back)
        return future


def make_held(world, numbers):
    """Return some segments of a world."""
    finder = TargetFinder([world.views[number] for number in numbers])
    return HeldSegments(numbers, finder)


def make_shard(world, numbers, *, snapshot=None):
    """Return the shard of some segments of a world."""
    return Shard(snapshot or world.searcher.snapshot, make_held(world, numbers))


def open_sharded(world, ports, **options):
    """Return the searcher of a world's shards."""
    return ShardedSearcher(
        world.searcher.snapshot,
        ports,
        n_segments=len(world.views),
        embedder=world.embedder,
        **options,
    )


def divide_world(world, n_groups):
    """Return the ports of a world's segments, divided over some groups."""
    groups = divide_segments([view.n_rows for view in world.views], n_groups)
    return [PickledPort(make_shard(world, numbers)) for numbers in groups]


def draw_any(drawn, world):
    """Draw a question of any sort."""
    request = draw_request(drawn, [draw_filter(drawn, depth=2) for _ in range(3)])
    chance = drawn.random()
    if chance < 0.2:
        return replace(request, ranking=replace(request.ranking, fusion=Fusion.RECIPROCAL_RANK))
    if chance < 0.35:
        diversity = drawn.choice([0.2, 0.7, 1.0])
        return replace(request, ranking=replace(request.ranking, diversity=diversity))
    if chance < 0.55:
        return replace(request, query="", like=drawn.choice(world.rows).doc_id)
    if chance < 0.7:
        boosts = {TextField.TITLE: 1.5, TextField.HEADING: 0.5}
        return replace(request, ranking=replace(request.ranking, boosts=boosts))
    return request


def answer(searcher, request):
    """Return all of an answer but its times, or that there is no such document."""
    try:
        response = searcher.search(request)
    except (DocumentNotFoundError, FilterColumnError) as error:
        return str(error)
    return response.hits, replace(response.explanation, timings_ms={})


@pytest.mark.parametrize("seed", range(6))
def test_any_division_gives_the_whole_searchers_answer_to_the_bit(tmp_path, monkeypatch, seed):
    for name in ("APPROXIMATE", "LIST", "CODE"):
        monkeypatch.setattr(plans, name, 0.0)
    world, drawn = make_world(seed, tmp_path), random.Random(seed)  # noqa: S311 - draws questions
    sharded = [open_sharded(world, divide_world(world, n)) for n in (1, 2, 3, 4)]
    n_hits = 0
    for _ in range(25):
        request = draw_any(drawn, world)
        if request.query:
            world.embedder.draw(request.query)
        expected = answer(world.searcher, request)
        n_hits += len(expected[0])
        for searcher in sharded:
            assert repr(answer(searcher, request)) == repr(expected)
    assert n_hits


def test_what_looks_for_a_question_is_made_once_here_and_let_go_of_with_the_question(world):
    held = make_held(world, range(len(world.views)))
    world.embedder.draw("swap repo")
    scope = Scope(as_of=None, principal=EVERYBODY)
    asked = ShardQuestion(
        scope=scope,
        mode=SearchMode.DENSE,
        k=3,
        terms={"swap": 1},
        boosts=(),
        query=DenseQuery(
            np.eye(world.embedder.identity.dim, dtype=np.float32)[0], dim=world.embedder.identity.dim
        ),
        is_exact=True,
        statistics=None,
    )
    assert held.open(asked) is held.open(asked)
    assert held.open(copy(asked)) is not held.open(asked)
    opened = weakref.ref(held.open(asked).channels[0])
    del asked
    assert opened() is None


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    for seed in range(100, 200):
        drawn = make_world(seed, tmp_path_factory.mktemp("world"))
        if len(drawn.views) > 2:
            return drawn
    raise AssertionError


@pytest.mark.parametrize("column", ["ticker", "year", "tags", "zone"])
def test_values_count_each_document_once_over_all_shards(world, column):
    request = FacetRequest(column=column, n=50, principal=EVERYBODY)
    expected = world.searcher.count_values(request)
    assert expected
    for n_groups in (1, 2, 4):
        assert open_sharded(world, divide_world(world, n_groups)).count_values(request) == expected


def test_a_document_is_shown_as_the_whole_searcher_shows_it(world):
    n_shown = 0
    for doc_id in sorted({row.doc_id for row in world.rows}):
        for as_of in (None, world.rows[0].known_from):
            request = DocumentRequest(doc_id=doc_id, as_of=as_of, principal=EVERYBODY)
            try:
                expected = repr(world.searcher.show_document(request))
                n_shown += 1
            except (DocumentNotFoundError, FilterColumnError) as error:
                expected = str(error)
            for n_groups in (1, 2, 4):
                sharded = open_sharded(world, divide_world(world, n_groups))
                try:
                    found = repr(sharded.show_document(request))
                except (DocumentNotFoundError, FilterColumnError) as error:
                    found = str(error)
                assert found == expected
    assert n_shown > 5


def test_many_questions_get_the_table_of_the_whole_searcher(world):
    requests = [
        SearchRequest(query=query, mode=mode, principal=EVERYBODY, k=5)
        for query in ("swap repo", "bond margin")
        for mode in SearchMode
    ]
    for request in requests:
        world.embedder.draw(request.query)
    expected = world.searcher.search_many(requests)
    assert expected.num_rows
    assert open_sharded(world, divide_world(world, 3)).search_many(requests).equals(expected)


class LengthReranker:
    """Scores a text by its length."""

    def __init__(self, identity):
        self.identity = identity

    def score(self, query, texts):
        return np.array([float(len(text)) for text in texts], dtype=np.float32)


def test_candidates_of_all_shards_reach_the_reranker_in_the_same_order(world):
    reranker = LengthReranker(type("Identity", (), {"name": "length", "digest": "0" * 64})())
    world.embedder.draw("swap repo bond")
    request = SearchRequest(query="swap repo bond", k=4, rerank=20, principal=EVERYBODY)
    whole = Searcher(
        world.searcher.snapshot,
        world.views,
        embedder=world.embedder,
        reranker=reranker,
    )
    sharded = open_sharded(world, divide_world(world, 2), reranker=reranker)
    assert len(whole.search(request).hits) == 4
    assert repr(answer(sharded, request)) == repr(answer(whole, request))


@pytest.mark.parametrize(("mode", "n_trips"), [("dense", 2), ("lexical", 3), ("hybrid", 3)])
def test_a_question_takes_few_trips(world, mode, n_trips):
    ports = divide_world(world, 2)
    world.embedder.draw("swap repo")
    request = SearchRequest(
        query="swap repo", mode=SearchMode(mode), k=10, principal=EVERYBODY, ranking=Ranking()
    )
    open_sharded(world, ports).search(request)
    assert max(port.n_steps for port in ports) <= n_trips


def test_a_shard_with_another_snapshot_gives_no_answer(world):
    ports = divide_world(world, 2)
    other = PickledPort(make_shard(world, range(1, len(world.views)), snapshot="f" * 64))
    with pytest.raises(ShardError, match="it holds snapshot ffff"):
        open_sharded(world, [ports[0], other]).search(SearchRequest(query="swap", mode=SearchMode.LEXICAL))


def test_a_segment_with_no_shard_or_with_two_gives_no_answer(world):
    ports = divide_world(world, 2)
    request = SearchRequest(query="swap", mode=SearchMode.LEXICAL, principal=EVERYBODY)
    with pytest.raises(ShardError, match="are with no shard"):
        open_sharded(world, ports[:1]).search(request)
    with pytest.raises(ShardError, match="with several"):
        open_sharded(world, [*ports, ports[0]]).search(request)


class FailingPort(PickledPort):
    """Fails at one step."""

    def __init__(self, shard, failing):
        super().__init__(shard)
        self._failing = failing

    def answer(self, step):
        if type(step) is not self._failing:
            return super().answer(step)
        future = Future()
        future.set_exception(StoreError(path="p", detail="gone"))
        return future


@pytest.mark.parametrize("failing", [CountWords, Look, Present])
def test_a_shard_that_fails_at_any_step_leaves_no_partial_answer(world, failing):
    request = SearchRequest(query="swap repo", mode=SearchMode.LEXICAL, k=50, principal=EVERYBODY)
    groups = divide_segments([view.n_rows for view in world.views], 2)
    ports = [PickledPort(make_shard(world, groups[0])), FailingPort(make_shard(world, groups[1]), failing)]
    with pytest.raises(StoreError, match="gone"):
        open_sharded(world, ports).search(request)
