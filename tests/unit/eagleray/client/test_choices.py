"""Arguments of a wrong type or value: an error of the promised tree, which says what was expected."""

from __future__ import annotations

import asyncio
import inspect
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

import eagleray
from eagleray import InvalidTimeError, QueryError
from eagleray.client.choices import read_local_time, read_ranking
from eagleray.client.endpoints import read_endpoint
from eagleray.client.questions import make_question
from eagleray.contracts.times import parse_instant
from eagleray.parts import ANSWERS, INDEX
from eagleray.settings import Settings

ENDPOINT = read_endpoint("http://127.0.0.1", collection="notes", api_key="", allow_http=False)
COLLECTIONS = {
    "local": eagleray.LocalCollection(None, INDEX.load(Settings()), ANSWERS.load(Settings()), name="notes"),
    "sync": eagleray.RemoteCollection(ENDPOINT, None),
    "async": eagleray.AsyncRemoteCollection(ENDPOINT, None),
}
"""None of them can answer: what is refused here is refused before anything is asked."""

WRONG = [
    ("search", None, {}, QueryError, "query must be text, found None"),
    ("search", float("nan"), {}, QueryError, "query must be text, found nan"),
    ("search", b"swap", {}, QueryError, "query must be text"),
    ("search", "swap", {"k": 2.0}, QueryError, "k must be a whole number, found 2.0"),
    ("search", "swap", {"k": "3"}, QueryError, "k must be a whole number, found '3'"),
    ("search", "swap", {"k": True}, QueryError, "k must be a whole number, found True"),
    ("search", "swap", {"k": None}, QueryError, "k must be a whole number, found None"),
    ("search", "swap", {"k": 10**30}, QueryError, "k must be at most 2147483647"),
    ("search", "swap", {"as_of": 20240101}, InvalidTimeError, "'20240101' .*expected ISO 8601 text, a date"),
    ("search", "swap", {"as_of": pd.NaT}, InvalidTimeError, "NaT"),
    ("search", "swap", {"filter": 5}, QueryError, "filter must be text, found 5"),
    ("search", "swap", {"mode": None}, QueryError, "mode None: expected dense, lexical, hybrid"),
    ("search", "swap", {"granularity": "no"}, QueryError, "granularity 'no': expected chunk, document"),
    ("search", "swap", {"exact": "no"}, QueryError, "exact must be True or False"),
    ("search", "swap", {"rerank": 2.5}, QueryError, "rerank must be a whole number"),
    ("search", "swap", {"ranking": None}, QueryError, r"ranking must be an eagleray\.Ranking"),
    ("search", "swap", {"ranking": {"diversity": 0.1}}, QueryError, r"ranking must be an eagleray\.Ranking"),
    ("search_frame", 5, {}, QueryError, "query must be text"),
    ("more_like", None, {}, QueryError, "doc_id must be text, found None"),
    ("search_batch", "swap", {}, QueryError, "queries must be a list of texts, found 'swap'"),
    ("search_batch", None, {}, QueryError, "queries must be a list of texts"),
    ("search_batch", ["swap", None], {}, QueryError, r"queries\[1\] must be text, found None"),
    ("count_values", None, {}, QueryError, "column must be text"),
    ("count_values", "year", {"n": 2.0}, QueryError, "n must be a whole number"),
    ("count_values", "year", {"as_of": 2024}, InvalidTimeError, "ISO 8601"),
    ("show_document", None, {}, QueryError, "doc_id must be text"),
    ("show_document", "doc-1", {"as_of": 2024}, InvalidTimeError, "ISO 8601"),
]


def call(collection, method, *given, **options):
    asked = getattr(collection, method)(*given, **options)
    return asyncio.run(asked) if inspect.iscoroutine(asked) else asked


@pytest.mark.parametrize("name", COLLECTIONS)
@pytest.mark.parametrize(("method", "first", "options", "kind", "words"), WRONG, ids=str)
def test_a_wrong_value_is_refused_everywhere_with_what_is_expected(name, method, first, options, kind, words):
    with pytest.raises(kind, match=words) as caught:
        call(COLLECTIONS[name], method, first, **options)
    assert type(caught.value) is kind


@pytest.mark.parametrize("groups", [None, 5, [None], ["a", 1], b"a"], ids=str)
def test_groups_are_names(groups):
    with pytest.raises(QueryError, match="groups"):
        COLLECTIONS["local"].search("swap", groups=groups)


@pytest.mark.parametrize("name", ["sync", "async"])
@pytest.mark.parametrize("seconds", ["3", float("nan"), float("inf"), -1, True], ids=str)
def test_seconds_are_a_finite_number(name, seconds):
    with pytest.raises(QueryError, match="timeout_s must be a"):
        call(COLLECTIONS[name], "search", "swap", timeout_s=seconds)
    with pytest.raises(QueryError, match="wait_s must be a"):
        call(COLLECTIONS[name], "upsert", [], wait_s=seconds)


@pytest.mark.parametrize("name", ["sync", "async"])
def test_what_is_written_or_deleted_is_a_list(name):
    with pytest.raises(QueryError, match="doc_ids must be a list of texts, found 'doc-1'"):
        call(COLLECTIONS[name], "delete", "doc-1")
    with pytest.raises(QueryError, match=r"documents\[0\] must be a mapping, found 'doc-1'"):
        call(COLLECTIONS[name], "upsert", ["doc-1"])
    with pytest.raises(QueryError, match="documents must be a list of mappings"):
        call(COLLECTIONS[name], "upsert", {"doc_id": "doc-1"})


@pytest.mark.parametrize(
    "members",
    [
        {"boosts": [("title", 2.0)]},
        {"boosts": {"title": "2"}},
        {"boosts": {5: 1.0}},
        {"fusion": "magic"},
        {"fusion": None},
        {"dense_weight": "1"},
        {"min_score": 10**400},
        {"min_dense": [0.1]},
        {"diversity": None},
        {"diversity": True},
        {"n_per_document": 1.5},
    ],
    ids=str,
)
def test_members_of_a_ranking_have_their_types(members):
    with pytest.raises(QueryError, match=f"{next(iter(members))}"):
        read_ranking(eagleray.Ranking(**members))


def test_numbers_of_numpy_and_names_of_choices_are_taken():
    ranking = eagleray.Ranking(fusion="reciprocal_rank", diversity=np.float64(0.5), boosts={"title": 2})
    asked = make_question(
        "swap", k=np.int64(3), granularity="chunk", exact=1, ranking=ranking, filter=None, mode="dense"
    )
    assert (asked.k, asked.granularity, asked.exact, asked.filter) == (3, "chunk", True, "")
    assert asked.ranking.fusion is eagleray.Fusion.RECIPROCAL_RANK
    assert (asked.ranking.diversity, asked.ranking.boosts) == (0.5, {"title": 2})


@pytest.mark.parametrize("query", [None, float("nan"), 5, pd.NA], ids=str)
def test_a_row_without_a_question_is_named(query):
    questions = pd.DataFrame({"query": ["swap", query]}, index=["a", "b"], dtype=object)
    with pytest.raises(QueryError, match="the query of row 'b' must be text, found"):
        COLLECTIONS["local"].search_many(questions)


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [("filter", 5, QueryError), ("as_of", 5, InvalidTimeError), ("groups", [None], QueryError)],
)
def test_a_cell_of_another_type_is_refused(column, value, kind):
    with pytest.raises(kind):
        COLLECTIONS["local"].search_many(pd.DataFrame({"query": ["swap"], column: [value]}))


def test_many_questions_are_a_frame():
    with pytest.raises(QueryError, match="questions must be a pandas DataFrame"):
        COLLECTIONS["local"].search_many(["swap"])


@pytest.mark.parametrize(
    "open_it",
    [
        lambda: eagleray.open(None),
        lambda: eagleray.open("store", collection=None),
        lambda: eagleray.open("store", snapshot=5),
        lambda: eagleray.connect(None),
        lambda: eagleray.connect("http://127.0.0.1", timeout_s="3"),
        lambda: eagleray.connect_async("http://127.0.0.1", api_key=None, collection=5),
        lambda: eagleray.ingest(None),
        lambda: eagleray.ingest("desk", mapping=None),
        lambda: eagleray.ingest("desk", store=None),
        lambda: eagleray.ingest("desk", workers="3"),
        lambda: eagleray.ingest("desk", resume="no"),
        lambda: eagleray.ingest("desk", alias=None),
        lambda: eagleray.publish(None),
        lambda: eagleray.snapshots(None),
    ],
)
def test_what_is_opened_is_named_by_text(open_it):
    with pytest.raises(QueryError, match=r"must be .*, found (None|5|'3'|'no')"):
        open_it()


@pytest.mark.parametrize(
    ("moment", "zone", "instant"),
    [
        ("2020-06-30T16:00:00", "America/New_York", "2020-06-30T20:00:00Z"),
        ("2020-06-30T16:00:00+01:00", "America/New_York", "2020-06-30T15:00:00Z"),
        ("2020-06-30", "America/New_York", "2020-06-30T04:00:00Z"),
        (date(2020, 1, 2), "Asia/Tokyo", "2020-01-01T15:00:00Z"),
        (datetime(2020, 11, 1, 12, 30), "America/New_York", "2020-11-01T17:30:00Z"),
        (datetime(2020, 1, 1, tzinfo=UTC), "Asia/Tokyo", "2020-01-01T00:00:00Z"),
        ("2020-06-30", None, "2020-06-30T00:00:00Z"),
        (None, "Asia/Tokyo", None),
    ],
)
def test_a_time_without_a_zone_is_one_on_the_clocks_of_the_named_zone(moment, zone, instant):
    assert read_local_time(moment, zone=zone) == (None if instant is None else parse_instant(instant))


@pytest.mark.parametrize(
    "moment", ["2020-11-01T01:30:00", datetime(2020, 11, 1, 1, 30), "2020-03-08T02:30:00"]
)
def test_a_time_that_clocks_show_twice_or_never_is_refused(moment):
    with pytest.raises(InvalidTimeError, match="twice or never"):
        read_local_time(moment, zone="America/New_York")


def test_a_time_without_any_zone_is_refused_and_the_argument_is_named():
    with pytest.raises(InvalidTimeError, match="zone="):
        read_local_time(datetime(2020, 6, 30, 16), zone=None)
    with pytest.raises(InvalidTimeError, match="no time zone"):
        read_local_time("2020-06-30T16:00:00", zone=None)
