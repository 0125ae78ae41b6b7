from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eagleray.contracts.hits import (
    Explanation,
    Fusion,
    Granularity,
    Hit,
    PlanKind,
    Ranking,
    SearchMode,
    SearchRequest,
    SearchResponse,
    SegmentExplanation,
)
from eagleray.contracts.indexes import TextField
from eagleray.contracts.principals import Principal
from eagleray.errors import FilterError
from serve.audit.entries import OK, ReplyDetails, RequestContext, RequestDetails, make_entry
from serve.audit.record import RecordedHit, flatten, link_record, unflatten
from serve.audit.request_entries import read_request
from serve.audit.segments import decode_segment, encode_segment
from tests.audit_records import record_one
from tests.unit.serve.audit.test_filters import EXPRESSIONS

SECRET = "merger of Albatross with Bluebird"
HIT = Hit(
    chunk_id=2**62,
    doc_id="doc-1",
    version="v1",
    score=0.1,
    dense=0.3,
    lexical=None,
    title="A title",
    heading="A heading",
    text="The text of a document",
    start=0,
    end=4,
    page=None,
    source="notes/1.md",
    zone="eu",
    groups=(),
    event_time=None,
    known_from=0,
    known_to=1,
    attributes={"issuer": "An issuer"},
)
SEGMENT = SegmentExplanation(segment="5" * 64, plan=PlanKind.PREFIX, n_rows=9, n_prefix=8, n_selected=7)
RESPONSE = SearchResponse(
    hits=(HIT, replace(HIT, chunk_id=1, reranked=-2.5)),
    explanation=Explanation(
        snapshot="a" * 64,
        as_of=None,
        is_exact=True,
        segments=(SEGMENT,),
        document_frequencies={"albatross": 3},
        n_visible=7,
        average_length=5.0,
        timings_ms={"mask": 1.0},
    ),
)
UNIT = st.floats(0, 1)
RANKINGS = st.builds(
    Ranking,
    boosts=st.none() | st.dictionaries(st.sampled_from(TextField), UNIT),
    fusion=st.sampled_from(Fusion),
    dense_weight=st.none() | UNIT,
    min_score=st.none() | UNIT,
    min_dense=st.none() | UNIT,
    min_lexical=st.none() | UNIT,
    diversity=UNIT,
    n_per_document=st.none() | st.integers(1, 5),
)
NAMES = st.frozensets(st.text(st.characters(codec="utf-8"), max_size=4), max_size=3)
REQUESTS = st.builds(
    SearchRequest,
    query=st.text(st.characters(), max_size=8),
    like=st.text(max_size=4),
    k=st.integers(),
    mode=st.sampled_from(SearchMode),
    granularity=st.sampled_from(Granularity),
    as_of=st.none() | st.integers(),
    filter=st.none() | EXPRESSIONS,
    principal=st.builds(Principal, subject=st.just("ann"), groups=NAMES, zones=st.none() | NAMES),
    exact=st.booleans(),
    ranking=RANKINGS,
    rerank=st.integers(),
)


def record(request=None, outcome=RESPONSE, questions="text"):
    asked = request or SearchRequest(query=SECRET)
    return record_one(asked, outcome, questions=questions)


@settings(deadline=None)
@given(request=REQUESTS)
def test_a_request_comes_back_from_a_stored_record_as_it_was(request):
    stored = link_record(record(request), writer="w", sequence=1, time=1, previous="0" * 64)
    (again,) = decode_segment(encode_segment([stored]))
    assert again == stored
    found = read_request(again.entry).request
    assert found.principal == request.principal
    assert repr(found) == repr(replace(request, principal=found.principal))


def test_hits_are_kept_by_ids_and_scores_and_the_plan_in_short():
    entry = record()
    assert entry.hits == (
        RecordedHit(chunk_id=2**62, doc_id="doc-1", score=0.1, reranked=None),
        RecordedHit(chunk_id=1, doc_id="doc-1", score=0.1, reranked=-2.5),
    )
    assert (entry.status, entry.snapshot) == ("ok", "a" * 64)
    plan = json.loads(entry.plan)
    assert plan["segments"] == [["5" * 64, "prefix", 9, 7, 0, 0]]


@pytest.mark.parametrize("questions", ["text", "digest"])
def test_no_text_of_a_document_is_kept(questions):
    shown = str(
        flatten(link_record(record(questions=questions), writer="w", sequence=1, time=1, previous=""))
    )
    for text in (HIT.text, HIT.title, HIT.heading, "An issuer"):
        assert text not in shown


def test_of_a_question_by_digest_no_word_is_kept_and_it_cannot_be_asked_again():
    request = SearchRequest(query=SECRET, like=SECRET)
    error = FilterError(text=SECRET, position=0, detail=SECRET)
    for outcome in (RESPONSE, error):
        entry = record(request, outcome, questions="digest")
        shown = str(flatten(link_record(entry, writer="w", sequence=1, time=1, previous=""))).lower()
        assert [word for word in SECRET.lower().split() if f"{word}" in shown and len(word) > 4] == []
        assert read_request(entry) is None


def test_the_digest_of_a_question_is_the_same_by_either_policy_and_another_for_another():
    assert record(questions="digest").question == record(questions="text").question
    assert record(SearchRequest(query="other")).question != record().question


def test_an_error_is_kept_by_its_type():
    entry = record(outcome=FilterError(text="x", position=0, detail="y"))
    assert (entry.status, entry.hits, entry.plan) == ("FilterError", (), "")


def test_a_name_that_is_no_valid_unicode_is_kept_in_another_form():
    request = SearchRequest(
        query="\ud800", principal=Principal(subject="\ud800", groups=frozenset({"\udfff"}))
    )
    stored = link_record(record(request), writer="w", sequence=1, time=1, previous="0" * 64)
    assert decode_segment(encode_segment([stored])) == [stored]
    assert stored.entry.subject == "\\ud800"


def test_a_request_of_an_unknown_kind_is_kept_and_cannot_be_asked_again():
    asked = RequestDetails(
        action="guesses",
        principal=Principal(subject="ann"),
        parameters={"n": 3},
        texts={"column": "issuer"},
    )
    named = RequestContext(request_id="r-1")
    entry = make_entry(asked, ReplyDetails(snapshot="b" * 64), status=OK, questions="text", context=named)
    assert (entry.action, entry.request_id, entry.status) == ("guesses", "r-1", "ok")
    assert json.loads(entry.body) == {"parameters": {"n": 3}, "texts": {"column": "issuer"}}
    assert read_request(entry) is None


def test_a_record_is_the_same_after_flattening():
    stored = link_record(record(), writer="w", sequence=1, time=1, previous="0" * 64)
    assert unflatten(flatten(stored)) == stored


def test_a_score_that_is_no_number_makes_no_record():
    bad = replace(RESPONSE, hits=(replace(HIT, score=float("nan")),))
    with pytest.raises(ValueError, match="JSON"):
        link_record(record(outcome=bad), writer="w", sequence=1, time=1, previous="0" * 64)
