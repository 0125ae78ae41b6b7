"""Counts and documents in the log: what is kept, and that it can be asked again exactly."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eagleray.contracts.asked_snapshots import ask_own
from eagleray.contracts.audits import AuditQuery
from eagleray.contracts.facets import make_counts
from eagleray.contracts.filters import Compare, Comparison
from eagleray.contracts.hits import FacetRequest, SearchMode, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.shown_documents import DocumentRequest
from eagleray.errors import AuditError, DocumentNotFoundError
from serve.audit.record import flatten, link_record
from serve.audit.record_queries import scan_records
from serve.audit.replays import replay_records
from serve.audit.request_entries import read_request
from serve.audit.segments import decode_segment, encode_segment
from tests.audit_records import record_one
from tests.small_collections import DAY, SPEC, put_small_snapshot
from tests.unit.serve.audit.test_entries import NAMES
from tests.unit.serve.audit.test_filters import EXPRESSIONS
from tests.unit.serve.audit.test_replays import Opener

ANN = Principal(subject="ann", groups=frozenset({"rates"}))
TIMES = st.none() | st.integers(-(2**62), 2**62)
CALLERS = st.builds(Principal, subject=st.just("ann"), groups=NAMES, zones=st.none() | NAMES)
REQUESTS = st.builds(
    FacetRequest,
    column=st.text(st.characters(), max_size=8),
    n=st.integers(1, 1_000),
    as_of=TIMES,
    filter=st.none() | EXPRESSIONS,
    principal=CALLERS,
) | st.builds(DocumentRequest, doc_id=st.text(st.characters(), max_size=8), as_of=TIMES, principal=CALLERS)


def list_requests():
    recent = Compare(column="year", op=Comparison.GE, value=2005)
    facets = [
        FacetRequest(column=column, n=n, as_of=as_of, filter=chosen, principal=principal)
        for column in ("ticker", "tags", "known_from", "yield")
        for n, chosen in ((3, None), (50, recent))
        for as_of in (None, 20 * DAY)
        for principal in (ANN, Principal(subject="eve"))
    ]
    documents = [
        DocumentRequest(doc_id=f"doc-{number}", as_of=as_of, principal=ANN)
        for number in range(12)
        for as_of in (None, 25 * DAY)
    ]
    return [*facets, *documents, SearchRequest(query="swap", mode=SearchMode.LEXICAL, principal=ANN)]


def answer(engine, request):
    """Return the engine's own reply, or its error."""
    if isinstance(request, SearchRequest):
        return engine.search(request)
    if isinstance(request, FacetRequest):
        return make_counts(engine.snapshot, engine.count_values(request))
    try:
        return engine.show_document(request)
    except DocumentNotFoundError as error:
        return error


def make_entry(request, outcome, *, questions="text"):
    return record_one(request, outcome, questions=questions, snapshot=ask_own("b" * 64), request_id="r-1")


@settings(deadline=None)
@given(request=REQUESTS)
def test_a_request_comes_back_from_a_stored_record_as_it_was(request):
    entry = make_entry(request, DocumentNotFoundError(doc_id="x"))
    stored = link_record(entry, writer="w", sequence=1, time=1, previous="0" * 64)
    (again,) = decode_segment(encode_segment([stored]))
    assert again == stored
    found = read_request(again.entry).request
    assert found.principal == request.principal
    assert repr(found) == repr(replace(request, principal=found.principal))


@pytest.fixture
def opener(store):
    return Opener(store)


def test_every_kind_comes_back_exactly_on_its_snapshot_and_otherwise_on_another(store, make_writer, opener):
    first, second = put_small_snapshot(store, seed=1), put_small_snapshot(store, seed=2)
    engine, n_unanswered = opener(first), 0
    with make_writer() as writer:
        for request in list_requests():
            outcome = answer(engine, request)
            n_unanswered += isinstance(outcome, Exception)
            writer.append(make_entry(request, outcome))
    records = list(scan_records(store, SPEC.name, AuditQuery()))
    found = replay_records(records, opener)
    assert found.different == []
    assert (found.n_unanswered, found.n_without_text, found.n_gone) == (n_unanswered, 0, 0)
    assert found.n_same == len(list_requests()) - n_unanswered > 30
    elsewhere = replay_records(records, lambda _: opener(second))
    told = " ".join(difference.detail for difference in elsewhere.different)
    assert "counts were" in told
    assert "hit 1 was row" in told or "no answer came back" in told


def test_counts_are_kept_as_a_digest_and_documents_by_their_rows(store, opener):
    engine = opener(put_small_snapshot(store))
    counted = make_entry(FacetRequest(column="ticker", principal=ANN), answer(engine, list_requests()[0]))
    assert (counted.action, counted.status, counted.hits, counted.request_id) == ("facets", "ok", (), "r-1")
    assert set(json.loads(counted.plan)) == {"counts", "n_values"}
    assert counted.snapshot == engine.snapshot
    document = next(
        (request, outcome)
        for request in list_requests()
        if isinstance(request, DocumentRequest)
        and not isinstance(outcome := answer(engine, request), Exception)
    )
    shown = make_entry(*document)
    assert shown.action == "document"
    assert [hit.chunk_id for hit in shown.hits] == [chunk.chunk_id for chunk in document[1].chunks]
    assert read_request(shown).ask_again(engine) == ""


@pytest.mark.parametrize("questions", ["text", "digest"])
def test_no_text_of_a_document_is_kept_and_no_word_of_the_caller_by_digest(store, opener, questions):
    engine = opener(put_small_snapshot(store))
    for request in list_requests():
        outcome = answer(engine, request)
        entry = make_entry(request, outcome, questions=questions)
        shown = str(flatten(link_record(entry, writer="w", sequence=1, time=1, previous="")))
        for chunk in getattr(outcome, "chunks", ()):
            assert chunk.text not in shown
        if questions == "digest" and isinstance(request, FacetRequest):
            assert request.column not in shown
            assert read_request(entry) is None
        for item in getattr(outcome, "values", ()):
            assert f"'{item.value}'" not in shown


def test_entries_of_one_request_are_stored_together_or_refused_together(store, make_writer):
    entries = [
        make_entry(FacetRequest(column=f"c{number}"), DocumentNotFoundError(doc_id="x"))
        for number in range(300)
    ]
    with make_writer(sync=True, flush_s=60.0) as writer:
        writer.append(*entries)
        stored = list(scan_records(store, SPEC.name, AuditQuery()))
        assert [item.entry for item in stored if item.entry.action == "facets"] == entries
    with pytest.raises(AuditError):
        writer.append(*entries)
    assert writer.counts.n_refused == 300
