from __future__ import annotations

import warnings
from datetime import UTC, date, datetime

import pandas as pd
import pyarrow as pa
import pytest

import eagleray
from eagleray.client import LocalCollection
from eagleray.contracts.hits import Explanation, SearchResponse
from eagleray.contracts.times import parse_instant
from eagleray.errors import InvalidTimeError, QueryError
from eagleray.parts import ANSWERS, INDEX
from eagleray.settings import Settings
from indexes.masks.grammar import parse_filter


class Engine:
    """Keeps what it is asked."""

    snapshot = "5" * 64

    def __init__(self):
        self.asked = []

    def count_values(self, request):
        self.counted = request
        return []

    def search(self, request):
        self.asked.append(request)
        explanation = Explanation(
            snapshot=self.snapshot,
            as_of=request.as_of,
            is_exact=True,
            segments=(),
            document_frequencies={},
            n_visible=0,
            average_length=0.0,
            timings_ms={},
        )
        return SearchResponse(hits=(), explanation=explanation)

    def search_many(self, requests):
        self.asked += requests
        return pa.table({"question": pa.array([0, 1], pa.int64()), "rank": [1, 1], "doc_id": ["a", "b"]})


@pytest.fixture
def engine():
    return Engine()


@pytest.fixture
def desk(engine):
    return LocalCollection(engine, INDEX.load(Settings()), ANSWERS.load(Settings()), name="desk")


def test_it_shows_its_name_and_the_snapshot_that_answers(desk):
    assert repr(desk) == "<LocalCollection 'desk', snapshot 555555555555>"


def test_a_time_may_be_text_a_date_a_datetime_or_a_timestamp(desk, engine):
    pd = pytest.importorskip("pandas", reason="pandas is not installed: pip install 'eagleray[notebooks]'")
    times = (
        "2022-02-18",
        date(2022, 2, 18),
        datetime(2022, 2, 18, tzinfo=UTC),
        pd.Timestamp("2022-02-18", tz="UTC"),
    )
    for time in times:
        desk.search("rates", as_of=time)
    assert [request.as_of for request in engine.asked] == [parse_instant("2022-02-18")] * 4


def test_a_time_without_a_zone_is_refused(desk):
    with pytest.raises(InvalidTimeError, match="no time zone"):
        desk.search("rates", as_of=datetime(2022, 2, 18))


def test_one_group_may_be_given_by_its_name(desk, engine):
    desk.search("rates", groups="equity-syndicate")
    desk.search_frame("rates", groups=["a", "b"])
    assert [request.principal.groups for request in engine.asked] == [{"equity-syndicate"}, {"a", "b"}]


def test_an_unknown_mode_is_refused_with_the_known_ones(desk):
    with pytest.raises(QueryError, match="mode 'exact': expected dense, lexical, hybrid"):
        desk.search("rates", mode="exact")


def test_how_hits_are_chosen_goes_with_every_way_to_ask(desk, engine):
    ranking = eagleray.Ranking(diversity=0.3, boosts={"title": 2.0}, fusion=eagleray.Fusion.RECIPROCAL_RANK)
    desk.search("rates", ranking=ranking, granularity="chunk")
    desk.search_frame("rates", ranking=ranking, granularity="chunk")
    desk.more_like("note-7", ranking=ranking, k=3)
    desk.search_many(pd.DataFrame({"query": ["rates", "swaps"]}), ranking=ranking)
    asked = [(request.query, request.like, request.granularity, request.ranking) for request in engine.asked]
    assert asked == [
        ("rates", "", "chunk", ranking),
        ("rates", "", "chunk", ranking),
        ("", "note-7", "document", ranking),
        ("rates", "", "document", ranking),
        ("swaps", "", "document", ranking),
    ]


def test_many_questions_are_rows_and_missing_values_ask_for_what_search_asks_without_them(desk, engine):
    questions = pd.DataFrame(
        {
            "query": ["swap", "repo"],
            "as_of": [pd.Timestamp("2020-01-02", tz="UTC"), pd.NaT],
            "groups": ["rates", None],
        },
        index=["first", "second"],
    )
    with pytest.warns(
        UserWarning, match="1 of 2 questions have no as_of, and ask the latest state"
    ) as warned:
        found = desk.search_many(questions, k=3, mode="lexical", granularity="chunk")
    assert {item.filename for item in warned} == {__file__}
    assert found["question"].tolist() == ["first", "second"]
    one, other = engine.asked
    assert (one.as_of, one.principal.groups) == (parse_instant("2020-01-02"), frozenset({"rates"}))
    assert (other.as_of, other.principal.groups, other.filter) == (None, frozenset(), None)
    assert {(request.k, request.mode, request.granularity, request.exact) for request in engine.asked} == {
        (3, "lexical", "chunk", True)
    }


@pytest.mark.parametrize(
    ("as_of", "n"),
    [([pd.NaT, pd.NaT], 2), ([float("nan"), "2020-01-02"], 1), ([None, None], 0), (["2020-01-02"] * 2, 0)],
)
def test_times_that_are_missing_are_warned_of_unless_none_stands_for_all(desk, as_of, n):
    questions = pd.DataFrame({"query": ["swap", "repo"], "as_of": as_of})
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        desk.search_many(questions)
    told = [str(item.message).partition(",")[0] for item in warned]
    assert told == [f"{n} of 2 questions have no as_of"] * (n > 0)


def test_former_names_ask_the_same_and_warn_of_the_line_that_has_them(desk, engine):
    for name in ("search", "search_frame"):
        with pytest.warns(DeprecationWarning, match="is now called") as warned:
            getattr(desk, name)("rates", where="year = 1", chunks=True)
        assert {item.filename for item in warned} == {__file__}
    with pytest.warns(DeprecationWarning, match=r"count_values\(\): where is now called filter") as warned:
        desk.count_values("year", where="year = 1")
    assert {item.filename for item in warned} == {__file__}
    with pytest.warns(DeprecationWarning, match="where is now called filter") as warned:
        questions = pd.DataFrame({"query": ["rates"] * 2, "where": ["year = 1"] * 2})
        desk.search_many(questions, granularity="chunk")
    assert {item.filename for item in warned} == {__file__}
    assert {str(request.filter) for request in engine.asked} == {str(parse_filter("year = 1"))}
    assert {request.granularity for request in engine.asked} == {"chunk"}
    assert engine.counted.filter == parse_filter("year = 1")


def test_a_name_beside_its_former_one_is_refused(desk):
    with pytest.raises(TypeError, match=r"search\(\) got filter and where, its former name"):
        desk.search("rates", where="year = 1", filter="year = 1")
    with pytest.raises(QueryError, match="found query, where, filter"):
        desk.search_many(pd.DataFrame({"query": ["rates"], "where": ["a"], "filter": ["b"]}))


def test_every_search_can_ask_for_reranking(desk, engine):
    desk.search("rates", rerank=50)
    desk.search_frame("rates", rerank=40)
    desk.search_many(pd.DataFrame({"query": ["swap", "repo"]}), rerank=30)
    desk.search("rates")
    assert [request.rerank for request in engine.asked] == [50, 40, 30, 30, 0]


def test_a_column_that_means_nothing_is_refused(desk):
    with pytest.raises(QueryError, match="query, as_of, filter, groups; found query, asof"):
        desk.search_many(pd.DataFrame({"query": ["swap"], "asof": ["2020-01-01"]}))


def test_a_question_for_an_answer_is_searched_for_with_all_that_was_said(desk, engine):
    answer = desk.ask(
        "total sales", as_of="2022-02-01", filter="year >= 2019", groups="rates", k=7, mode="lexical"
    )
    (request,) = engine.asked
    assert (request.query, request.k, request.mode, request.granularity) == (
        "total sales",
        7,
        "lexical",
        "chunk",
    )
    assert request.as_of == answer.as_of == parse_instant("2022-02-01")
    assert request.filter == parse_filter("year >= 2019")
    assert request.principal.groups == {"rates"}
    assert (answer.is_answered, answer.snapshot) == (False, desk.snapshot)
    assert [*desk.ask_stream("total sales")] == [desk.ask("total sales")]


@pytest.mark.parametrize("arguments", [{"pipeline": 3}, {"max_citations": "3"}, {"pipeline": "nothing"}])
def test_what_no_answer_can_have_is_refused(desk, arguments):
    with pytest.raises(QueryError):
        desk.ask("total sales", **arguments)


def test_a_misspelt_argument_of_ask_is_named_with_the_near_one(desk):
    with pytest.raises(TypeError, match="did you mean max_citations"):
        desk.ask("total sales", max_citation=3)
