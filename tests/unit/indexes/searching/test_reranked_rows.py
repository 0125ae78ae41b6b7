from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import Granularity, SearchMode, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.times import OPEN_END
from eagleray.embedders.hashing import HashingEmbedder
from eagleray.errors import GuardError, QueryError
from eagleray.rerankers import load_reranker
from eagleray.rerankers.configured_reranker import DeferredReranker
from eagleray.setting_groups.engine import RerankerSettings
from eagleray.testing import OverlapReranker
from indexes.masks.grammar import parse_filter
from indexes.searching.searcher import Searcher
from indexes.searching.targets import TargetFinder
from indexes.segments.opened_segment import open_segment
from indexes.segments.segment_files import list_texts
from indexes.storage import open_store
from tests.small_collections import DAY, SPEC, make_rows, make_table, put_segment
from tests.small_rerankers import write_cross_encoder

EVERYBODY = Principal(subject="all", groups=frozenset({"rates", "credit"}))
STRANGER = Principal(subject="nobody")
EMBEDDER = HashingEmbedder()
QUERIES = ("swap curve basis", "issuer rating spread", "row3 repo", "margin call")


@pytest.fixture(scope="module")
def rows():
    """Rows with groups and times of knowledge, every third document closed later."""
    made = make_rows(np.random.default_rng(11), n_documents=24)
    for row in made:
        if int(row["doc_id"][4:]) % 3 == 0:
            row["known_to"] = row["known_from"] + 10 * DAY
    return made


@pytest.fixture
def open_searcher(rows, tmp_path):
    """Open the rows as some segments, with a reranker."""

    def open_them(reranker, *, n_segments=2):
        store = open_store(tmp_path / str(n_segments))
        views = []
        for part in range(n_segments):
            mine = rows[part::n_segments]
            vectors = EMBEDDER.embed_passages(list_texts(make_table(mine)))
            digest = put_segment(store, mine, vectors)
            views.append(open_segment(Collection(store, SPEC.name), digest, patches=[]))
        return Searcher("s" * 64, views, embedder=EMBEDDER, reranker=reranker)

    return open_them


def make_request(query, **more):
    return SearchRequest(query=query, **{"principal": EVERYBODY, "k": 4, "rerank": 12, **more})


def read_text(item):
    """Return what was embedded of a row or a hit."""
    heading, text = (item["heading"], item["text"]) if isinstance(item, dict) else (item.heading, item.text)
    return f"{heading}\n{text}" if heading else text


@pytest.mark.parametrize("mode", list(SearchMode))
@pytest.mark.parametrize("granularity", list(Granularity))
def test_the_best_candidates_stand_in_the_order_of_the_reranker(open_searcher, mode, granularity):
    reranker = OverlapReranker()
    searcher = open_searcher(reranker)
    for query in QUERIES:
        request = make_request(query, mode=mode, granularity=granularity)
        candidates = searcher.search(replace(request, k=12, rerank=0)).hits
        scores = reranker.score(query, [read_text(hit) for hit in candidates]).tolist()
        ordered = sorted(zip(scores, candidates, strict=True), key=lambda pair: (-pair[0], pair[1].chunk_id))
        expected = [replace(hit, reranked=score) for score, hit in ordered[:4]]
        assert list(searcher.search(request).hits) == expected
        assert len(set(scores)) < len(scores)  # so ties were among them


def test_a_search_that_does_not_rerank_has_no_reranked_scores_and_loads_no_model(open_searcher):
    def load():
        raise AssertionError("the model was loaded")

    searcher = open_searcher(DeferredReranker(load))
    response = searcher.search(make_request("swap curve", rerank=0))
    assert [hit.reranked for hit in response.hits] == [None] * 4
    assert response.explanation.reranking is None
    assert "rerank" not in response.explanation.timings_ms


@pytest.mark.parametrize("principal", [STRANGER, Principal(subject="c", groups=frozenset({"credit"}))])
def test_the_reranker_is_given_only_what_this_caller_could_find_at_that_time(rows, open_searcher, principal):
    hidden = 0
    where = parse_filter("year >= 2004")
    for as_of in (0, 9 * DAY, 20 * DAY, 45 * DAY, None):
        visible = {
            read_text(row)
            for row in rows
            if (
                row["known_to"] == OPEN_END if as_of is None else row["known_from"] <= as_of < row["known_to"]
            )
            and (not row["groups"] or principal.groups & set(row["groups"]))
            and int(row["doc_id"][4:]) >= 4
        }
        reranker = OverlapReranker()
        searcher = open_searcher(reranker)
        for query in QUERIES:
            for granularity in Granularity:
                more = {"granularity": granularity, "as_of": as_of, "filter": where, "rerank": 1000}
                searcher.search(make_request(query, principal=principal, **more))
                searcher.search_many([make_request(query, principal=principal, **more)])
        seen = {passage for _, passages in reranker.seen for passage in passages}
        assert seen == visible
        hidden += len(rows) - len(visible)
    assert hidden


def test_a_row_the_mask_let_through_stops_before_the_reranker(open_searcher, monkeypatch):
    reranker = OverlapReranker()
    searcher = open_searcher(reranker)
    real = TargetFinder.find
    monkeypatch.setattr(
        TargetFinder, "find", lambda finder, scope: real(finder, replace(scope, principal=EVERYBODY))
    )
    request = make_request("swap", principal=STRANGER, rerank=1000)
    for ask in (searcher.search, lambda request: searcher.search_many([request])):
        with pytest.raises(GuardError):
            ask(request)
    assert reranker.seen == []


def test_a_document_is_represented_by_its_best_chunk(open_searcher):
    reranker = OverlapReranker()
    searcher = open_searcher(reranker)
    best = searcher.search(make_request("swap curve", k=100, rerank=0)).hits
    searcher.search(make_request("swap curve", rerank=100))
    assert reranker.seen == [("swap curve", [read_text(hit) for hit in best])]
    assert len({hit.doc_id for hit in best}) == len(best)


def test_no_split_into_segments_changes_an_id_or_a_bit_of_a_score(open_searcher, tmp_path):
    folder = write_cross_encoder(tmp_path / "tiny")
    reranker = load_reranker(RerankerSettings(model=str(folder)))
    searchers = [open_searcher(reranker, n_segments=n) for n in (1, 2, 5)]
    for query in QUERIES:
        answers = [
            [(hit.chunk_id, hit.score, hit.reranked) for hit in searcher.search(make_request(query)).hits]
            for searcher in searchers
        ]
        assert answers[0] == answers[1] == answers[2]
        assert len(answers[0]) == 4


def test_many_questions_are_reranked_as_one_by_one_to_the_bit(open_searcher):
    searcher = open_searcher(OverlapReranker())
    requests = [
        make_request(query, mode=mode, as_of=as_of, rerank=rerank)
        for query in QUERIES
        for mode in SearchMode
        for as_of in (20 * DAY, None)
        for rerank in (0, 4, 12)
    ]
    found = searcher.search_many(requests)
    singles = [
        (question, hit.chunk_id, hit.score, hit.reranked)
        for question, request in enumerate(requests)
        for hit in searcher.search(request).hits
    ]
    columns = ("question", "chunk_id", "score", "reranked")
    assert list(zip(*(found[name].to_pylist() for name in columns), strict=True)) == singles


def test_the_explanation_says_which_reranker_and_how_many(open_searcher):
    searcher = open_searcher(OverlapReranker())
    explanation = searcher.search(make_request("swap", granularity=Granularity.CHUNK)).explanation
    assert explanation.reranking is not None
    assert (explanation.reranking.reranker, explanation.reranking.digest) == ("overlap", "0" * 64)
    assert explanation.reranking.n_candidates == 12
    assert "rerank" in explanation.timings_ms


def test_nothing_visible_is_no_hit(open_searcher):
    response = open_searcher(OverlapReranker()).search(make_request("swap", as_of=-1))
    assert response.hits == ()
    assert response.explanation.reranking is not None
    assert response.explanation.reranking.n_candidates == 0


@pytest.mark.parametrize("rerank", [-1, 1, 3])
def test_fewer_candidates_than_hits_are_refused(open_searcher, rerank):
    searcher = open_searcher(OverlapReranker())
    for ask in (searcher.search, lambda request: searcher.search_many([request])):
        with pytest.raises(
            QueryError, match=f"rerank is {rerank}, k is 4: rerank at least k candidates, or 0"
        ):
            ask(make_request("swap", rerank=rerank))


def test_reranking_without_a_reranker_names_the_setting(open_searcher):
    searcher = open_searcher(None)
    for ask in (searcher.search, lambda request: searcher.search_many([request])):
        with pytest.raises(QueryError, match="set EAGLERAY_RERANKER__MODEL to the folder of a cross-encoder"):
            ask(make_request("swap"))
