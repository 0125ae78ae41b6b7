from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import Granularity, PlanKind, SearchMode, SearchRequest
from eagleray.contracts.indexes import IndexKind
from eagleray.contracts.principals import Principal
from eagleray.contracts.times import OPEN_END
from eagleray.embedders.hashing import HashingEmbedder
from eagleray.errors import FilterError, GuardError, QueryError
from indexes.dense.codebooks import train_codebook
from indexes.dense.kmeans import Training, pass_over
from indexes.dense.matching import NumpyMatcher
from indexes.evaluation.brute_force import rebuild_as_of
from indexes.lexical.analysis import ENGLISH
from indexes.lexical.bm25 import K1, B
from indexes.masks.grammar import parse_filter
from indexes.searching.searcher import Searcher
from indexes.searching.targets import TargetFinder
from indexes.segments.opened_segment import open_segment
from indexes.segments.segment_files import list_texts
from indexes.storage import open_store
from tests.small_collections import DAY, SPEC, WORDS, make_rows, make_table, put_segment

EVERYBODY = Principal(subject="all", groups=frozenset({"rates", "credit"}))
EMBEDDER = HashingEmbedder()
QUERIES = ("swap curve basis", "issuer rating spread", "row3 repo", "margin call")


def make_collection(seed):
    """Return rows with times of knowledge, every third closed later, and their attribute types."""
    rng = np.random.default_rng(seed)
    rows = make_rows(rng, n_documents=20)
    for row in rows:
        if int(row["doc_id"][4:]) % 3 == 0:
            row["known_to"] = row["known_from"] + int(rng.integers(1, 30)) * DAY
    return rows


def open_rows(rows, folder, *, n_segments=1):
    store = open_store(folder)
    views = []
    for part in range(n_segments):
        mine = rows[part::n_segments]
        vectors = EMBEDDER.embed_passages(list_texts(make_table(mine)))
        digest = put_segment(store, mine, vectors)
        views.append(open_segment(Collection(store, SPEC.name), digest, patches=[]))
    return views


def make_searcher(views):
    return Searcher("s" * 64, views, embedder=EMBEDDER)


def ask(searcher, query, **more):
    request = SearchRequest(query=query, **{"principal": EVERYBODY, "k": 10, **more})
    return [(hit.chunk_id, hit.score) for hit in searcher.search(request).hits]


def score_by_hand(rows, query, as_of):
    """Return chunk_id -> BM25 by the plain formula over the rows visible at `as_of`."""
    visible = [row for row in rows if row["known_from"] <= as_of < row["known_to"]]
    texts = [f"{row['heading']}\n{row['text']}" if row["heading"] else row["text"] for row in visible]
    terms = [Counter(ENGLISH.find_terms(text)) for text in texts]
    average = sum(found.total() for found in terms) / max(len(terms), 1)
    scores = {}
    for row, found in zip(visible, terms, strict=True):
        score = 0.0
        for term in ENGLISH.find_terms(query):
            df = sum(term in other for other in terms)
            idf = math.log(1 + (len(terms) - df + 0.5) / (df + 0.5))
            tf = found[term]
            score += idf * tf * (K1 + 1) / (tf + K1 * (1 - B + B * found.total() / average))
        if score > 0:
            scores[row["chunk_id"]] = score
    return scores


@pytest.mark.parametrize("seed", range(3))
def test_lexical_scores_are_those_of_the_plain_formula_over_what_was_known(seed, tmp_path):
    rows = make_collection(seed)
    searcher = make_searcher(open_rows(rows, tmp_path, n_segments=2))
    for query in QUERIES:
        for day in (0, 7, 20, 33, 80):
            expected = score_by_hand(rows, query, day * DAY)
            found = dict(
                ask(
                    searcher,
                    query,
                    mode=SearchMode.LEXICAL,
                    granularity=Granularity.CHUNK,
                    as_of=day * DAY,
                    k=100,
                )
            )
            assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("mode", list(SearchMode))
@pytest.mark.parametrize("seed", range(2))
def test_no_split_into_segments_changes_an_id_or_a_bit_of_a_score(mode, seed, tmp_path):
    rows = make_collection(seed)
    searchers = [make_searcher(open_rows(rows, tmp_path / str(n), n_segments=n)) for n in (1, 2, 5)]
    for query in QUERIES:
        answers = [ask(searcher, query, mode=mode, as_of=25 * DAY) for searcher in searchers]
        assert answers[0] == answers[1] == answers[2]
        assert answers[0]


@pytest.mark.parametrize("mode", list(SearchMode))
@pytest.mark.parametrize("granularity", list(Granularity))
def test_as_of_equals_an_index_of_only_what_was_known(mode, granularity, tmp_path):
    rows = make_collection(3)
    views = open_rows(rows, tmp_path, n_segments=2)
    searcher = make_searcher(views)
    for day in (0, 5, 12, 25, 39, 70):
        rebuilt = make_searcher(rebuild_as_of(views, day * DAY, folder=tmp_path / str(day)))
        for query in QUERIES:
            options = {"mode": mode, "granularity": granularity, "as_of": day * DAY}
            assert ask(searcher, query, **options) == ask(rebuilt, query, **options)


def test_what_a_caller_may_not_see_moves_no_score(tmp_path):
    rows = make_collection(4)
    stranger = Principal(subject="nobody")
    public = [row for row in rows if not row["groups"]]
    everything = make_searcher(open_rows(rows, tmp_path / "all"))
    only_public = make_searcher(open_rows(public, tmp_path / "public"))
    for mode in SearchMode:
        for query in QUERIES:
            found = ask(everything, query, mode=mode, principal=stranger)
            assert found == ask(only_public, query, mode=mode, principal=stranger)


def test_a_filter_selects_before_anything_is_counted(tmp_path):
    rows = make_collection(5)
    recent = [row for row in rows if int(row["doc_id"][4:]) >= 10]
    everything = make_searcher(open_rows(rows, tmp_path / "all"))
    alone = make_searcher(open_rows(recent, tmp_path / "recent"))
    for query in QUERIES:
        found = ask(everything, query, filter=parse_filter("year >= 2010"))
        assert found == ask(alone, query)


def test_a_document_stands_once_by_its_best_chunk(tmp_path):
    rows = make_collection(6)
    searcher = make_searcher(open_rows(rows, tmp_path, n_segments=3))
    chunks = ask(searcher, "swap curve", granularity=Granularity.CHUNK, k=1000)
    owner = {row["chunk_id"]: row["doc_id"] for row in rows}
    best = {}
    for chunk_id, score in chunks:
        best.setdefault(owner[chunk_id], (chunk_id, score))
    assert ask(searcher, "swap curve", k=5) == list(best.values())[:5]


def test_the_guard_stops_a_row_the_mask_let_through(tmp_path, monkeypatch):
    rows = make_collection(7)
    searcher = make_searcher(open_rows(rows, tmp_path))
    real = TargetFinder.find

    def leak(finder, scope):
        return real(finder, replace(scope, as_of=OPEN_END - 1, principal=EVERYBODY))

    monkeypatch.setattr(TargetFinder, "find", leak)
    with pytest.raises(GuardError):
        ask(searcher, "swap", as_of=0, k=50, principal=Principal(subject="x"))


def test_before_everything_there_are_no_hits_and_the_plan_says_so(tmp_path):
    rows = make_collection(8)
    searcher = make_searcher(open_rows(rows, tmp_path))
    response = searcher.search(SearchRequest(query="swap", as_of=-1, principal=EVERYBODY))
    assert response.hits == ()
    assert [segment.plan for segment in response.explanation.segments] == [PlanKind.EMPTY]


@pytest.mark.parametrize(("query", "k"), [("", 5), ("  \n", 5), ("swap", 0), ("swap", -1)])
def test_a_question_that_cannot_be_asked_is_refused(query, k, tmp_path):
    rows = make_collection(9)
    searcher = make_searcher(open_rows(rows, tmp_path))
    with pytest.raises(QueryError):
        searcher.search(SearchRequest(query=query, k=k))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("yeer >= 2010", "filter on 'yeer': there is no column 'yeer'; did you mean year?"),
        ('year = "abc"', "filter on 'year': expected an integer, found the string 'abc'"),
        ("year = true", "filter on 'year': expected an integer, found true"),
        ("ticker > 3", "filter on 'ticker': expected a string in quotes, found the number 3"),
        ("event_time > 3", "filter on 'event_time': expected an ISO 8601 time in quotes, found the number 3"),
        ('event_time > "soon"', "filter on 'event_time': 'soon' is not a time"),
        ('ticker contains "a"', "filter on 'ticker': ticker is of type string, not a list"),
    ],
)
def test_a_filter_that_does_not_fit_is_refused(text, message, tmp_path):
    rows = make_collection(9)
    searcher = make_searcher(open_rows(rows, tmp_path))
    with pytest.raises(FilterError, match=re.escape(message)):
        ask(searcher, "swap", filter=parse_filter(text))


def test_a_filter_is_not_taken_for_another_that_python_finds_equal(tmp_path):
    rows = make_collection(9)
    searcher = make_searcher(open_rows(rows, tmp_path))
    ask(searcher, "swap", filter=parse_filter("year = 1"))
    with pytest.raises(FilterError, match="expected an integer, found true"):
        ask(searcher, "swap", filter=parse_filter("year = true"))


def test_highlights_are_the_words_of_the_query_in_the_text(tmp_path):
    rows = make_collection(10)
    searcher = make_searcher(open_rows(rows, tmp_path))
    hit = searcher.search(SearchRequest(query="swaps", principal=EVERYBODY, mode=SearchMode.LEXICAL)).hits[0]
    assert {hit.text[mark.start : mark.end] for mark in hit.highlights} == {"swap"}


@pytest.mark.parametrize("mode", list(SearchMode))
def test_the_snippet_holds_words_of_the_query_that_stand_in_the_text(mode, tmp_path):
    searcher = make_searcher(open_rows(make_collection(10), tmp_path, n_segments=2))
    for hit in searcher.search(SearchRequest(query="what is the swap curve", mode=mode, k=5)).hits:
        shown = [hit.text[span.start : span.end] for span in hit.snippet.spans]
        assert hit.snippet.text == "\n".join(shown)
        marked = [hit.snippet.text[mark.start : mark.end] for mark in hit.snippet.highlights]
        assert set(marked) == {"swap", "curve"} & set(hit.text.split())


def test_rows_that_a_caller_may_not_see_change_nothing_in_a_snippet(tmp_path):
    rows = make_collection(10)
    rows[0]["text"] = "The swap is old. The curve is new. " * 20
    seen = [row for row in rows if not row["groups"]]
    request = SearchRequest(query="swap curve", mode=SearchMode.LEXICAL, k=20, granularity=Granularity.CHUNK)
    alone, beside = (
        make_searcher(open_rows(held, tmp_path / name)).search(request).hits
        for name, held in (("alone", seen), ("beside", rows))
    )
    assert len(seen) < len(rows)
    assert [hit.snippet for hit in alone] == [hit.snippet for hit in beside]


def test_inverted_lists_answer_as_the_flat_segment_does_and_say_so(tmp_path):
    rng = np.random.default_rng(5)
    rows = make_rows(rng, n_documents=1_500)
    vectors = EMBEDDER.embed_passages(list_texts(make_table(rows)))
    probes = EMBEDDER.embed_queries([" ".join(rng.choice(WORDS, size=4)) for _ in range(400)])
    run = pass_over([vectors], matcher=NumpyMatcher())
    codebook = train_codebook(
        [vectors], run, kind=IndexKind.IVF_SQ8, training=Training(n_lists=48), probes=probes
    )
    views = []
    for name, shared in (("flat", None), ("inverted", codebook)):
        store = open_store(tmp_path / name)
        digest = put_segment(store, rows, vectors, codebook=shared)
        views.append(open_segment(Collection(store, SPEC.name), digest))
    flat, inverted = (make_searcher([view]) for view in views)
    assert views[1].efforts
    for mode in (SearchMode.DENSE, SearchMode.HYBRID):
        same = n = 0
        for query in QUERIES:
            options = {"mode": mode, "granularity": Granularity.CHUNK}
            expected = ask(flat, query, **options)
            assert ask(inverted, query, exact=True, **options) == expected
            same += len({hit for hit, _ in ask(inverted, query, **options)} & {hit for hit, _ in expected})
            n += len(expected)
        assert same / n >= 0.9
    explained = inverted.search(SearchRequest(query="swap curve", principal=EVERYBODY)).explanation
    exact = inverted.search(SearchRequest(query="swap curve", principal=EVERYBODY, exact=True)).explanation
    assert explained.segments[0].plan is PlanKind.APPROXIMATE
    assert explained.segments[0].n_probes > 0
    assert not explained.is_exact
    assert exact.is_exact


@pytest.mark.parametrize("mode", list(SearchMode))
def test_rows_without_a_word_are_found_by_their_vectors_alone(mode, tmp_path):
    rows = make_collection(11)
    for row in rows:
        row["heading"], row["text"] = "", "the of and"
    searcher = make_searcher(open_rows(rows, tmp_path, n_segments=2))
    found = ask(searcher, "swap curve", mode=mode)
    assert bool(found) == (mode is not SearchMode.LEXICAL)
