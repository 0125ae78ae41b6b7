"""Replies that take time: a beginning that is stored, and exactly one end, whatever fails between them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eagleray.contracts.audits import AuditQuery
from eagleray.contracts.hits import SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.errors import AuditError, IntegrityError
from serve.audit.entries import BEGUN, CANCELLED, OK, SentAmount, find_begun
from serve.audit.kinds.alias_moves import Change
from serve.audit.record import RecordKind
from serve.audit.record_queries import list_interrupted, scan_records
from serve.audit.request_recorder import ReplyEnding, RequestRecorder
from serve.audit.verification import verify_log
from tests.unit.serve.audit.conftest import COLLECTION, FailingStore
from tests.unit.serve.audit.test_entries import RESPONSE

ANN = Principal(subject="ann")
REQUEST = SearchRequest(query="swap", principal=ANN)
CHANGE = Change(action="publish", alias="live", principal=ANN, snapshot="ab")


def record(writer):
    return RequestRecorder(writer, questions="text")


def list_requests(store):
    records = scan_records(store, COLLECTION, AuditQuery())
    return [item for item in records if item.entry.kind is RecordKind.REQUEST]


def list_ends(store):
    return [(find_begun(item.entry.body), item.entry.status) for item in list_requests(store)]


def test_a_beginning_is_stored_before_anything_is_given_and_its_end_names_it(store, make_writer):
    with make_writer(flush_s=60.0) as writer:
        recorder = record(writer)
        begun = recorder.begin(REQUEST, request_id="r-1")
        assert list_ends(store) == [(0, BEGUN)]
        assert list_interrupted(store, COLLECTION, writer.writer) == {begun.sequence}
        recorder.end(begun, ReplyEnding(reply=RESPONSE, given=SentAmount(n_pieces=3, n_bytes=90)))
    first, second = list_requests(store)
    assert (second.entry.status, find_begun(second.entry.body)) == (OK, first.sequence)
    assert '"reply":{"begun":2,"bytes":90,"pieces":3}' in second.entry.body
    assert (second.entry.question, second.entry.request_id) == (first.entry.question, "r-1")
    assert second.entry.hits
    assert second.entry.latency_us > 0
    assert list_interrupted(store, COLLECTION, writer.writer) == frozenset()
    assert verify_log(store, COLLECTION).interrupted == []


@pytest.mark.parametrize("status", [CANCELLED, "StoreError"])
def test_what_ended_half_way_says_what_had_been_given(store, make_writer, status):
    with make_writer() as writer:
        recorder = record(writer)
        half = replace(RESPONSE, hits=RESPONSE.hits[:1])
        recorder.end(recorder.begin(REQUEST), ReplyEnding(status=status, reply=half))
        recorder.end(recorder.begin(REQUEST), ReplyEnding(status=status))
    ended = [item.entry for item in list_requests(store) if item.entry.status != BEGUN]
    assert [(entry.status, len(entry.hits)) for entry in ended] == [(status, 1), (status, 0)]


def test_a_beginning_that_cannot_be_stored_is_refused_and_has_its_end(store, make_writer):
    failing = FailingStore(store)
    with make_writer(failing, flush_s=0.01) as writer:
        failing.is_away = True
        with pytest.raises(AuditError):
            record(writer).begin(REQUEST)
        failing.is_away = False
        while writer.failure:
            writer.flush()
    assert [status for _, status in list_ends(store)] == [BEGUN, "AuditError"]
    assert verify_log(store, COLLECTION).interrupted == []


def test_an_end_is_taken_while_the_store_is_away_and_says_that_it_was_refused(store, make_writer):
    failing = FailingStore(store)
    with make_writer(failing, flush_s=0.01) as writer:
        recorder = record(writer)
        first, second = recorder.begin(REQUEST), recorder.begin(REQUEST)
        failing.is_away = True
        with pytest.raises(AuditError):
            writer.append(first.entry, is_stored=True)
        for begun in (first, second):
            with pytest.raises(AuditError):
                recorder.end(begun, ReplyEnding(reply=RESPONSE))
        failing.is_away = False
        while writer.failure:
            writer.flush()
    ends = [item for item in list_ends(store) if item[0]]
    assert ends == [(first.sequence, "AuditError"), (second.sequence, "AuditError")]


def test_an_end_has_room_where_other_records_have_none(store, make_writer):
    failing = FailingStore(store)
    with make_writer(failing, on_failure="continue", max_pending_bytes=1 << 20, flush_s=0.01) as writer:
        recorder = record(writer)
        begun = recorder.begin(REQUEST)
        failing.is_away = True
        while not writer.counts.n_dropped:
            recorder.begin(REQUEST)
        recorder.end(begun, ReplyEnding(reply=RESPONSE))
        unnumbered = recorder.begin(REQUEST)
        assert unnumbered.sequence == 0, "there was no room for its beginning"
        recorder.end(unnumbered, ReplyEnding(reply=RESPONSE))
        failing.is_away = False
    ends = [(number, status) for number, status in list_ends(store) if status == OK]
    assert ends == [(begun.sequence, OK), (0, OK)]


def test_a_reply_that_cannot_be_written_down_has_an_end_without_it(store, make_writer):
    bad = replace(RESPONSE, hits=(replace(RESPONSE.hits[0], score=float("nan")),))
    with make_writer() as writer:
        recorder = record(writer)
        begun = recorder.begin(REQUEST)
        with pytest.raises(AuditError, match="no record"):
            recorder.end(begun, ReplyEnding(reply=bad))
    assert list_ends(store)[1:] == [(begun.sequence, "AuditError")]


def test_what_begins_or_ends_after_the_chain_is_refused(store, make_writer):
    with make_writer() as writer:
        begun = record(writer).begin(REQUEST)
    for call in (lambda: record(writer).begin(REQUEST), lambda: record(writer).end(begun, ReplyEnding())):
        with pytest.raises(AuditError):
            call()
    (interrupted,) = verify_log(store, COLLECTION).interrupted
    assert (interrupted.sequence, interrupted.action, interrupted.subject) == (2, "search", "ann")


def test_a_second_end_of_one_beginning_is_found(store, make_writer):
    with make_writer() as writer:
        recorder = record(writer)
        begun = recorder.begin(REQUEST)
        for _ in range(2):
            recorder.end(begun, ReplyEnding(reply=RESPONSE))
    (finding,) = verify_log(store, COLLECTION).findings
    assert (finding.sequence, "has ended before" in finding.detail) == (4, True)


@pytest.mark.parametrize("reply", ['"x"', "7", '{"begun":"x"}', "[" * 2_000 + "]" * 2_000])
def test_a_body_that_names_no_record_is_found_and_never_shown(store, make_writer, reply):
    with make_writer() as writer:
        begun = record(writer).begin(REQUEST)
        writer.append(replace(begun.entry, body=f'{{"reply":{reply}}}', status=OK))
    assert [finding.sequence for finding in verify_log(store, COLLECTION).findings] == [3]
    with pytest.raises(IntegrityError):
        list_interrupted(store, COLLECTION, writer.writer)


def test_an_end_of_a_log_of_before_is_told_by_caller_and_request(store, make_writer):
    with make_writer() as writer:
        recorder = record(writer)
        begun = [recorder.begin(CHANGE, request_id=name) for name in ("r-1", "r-2", "r-1")]
        for item in begun[:2]:
            recorder.end(replace(item, sequence=0), ReplyEnding(status="GateError"))
    assert {number for number, _ in list_ends(store)} == {0}
    (interrupted,) = verify_log(store, COLLECTION).interrupted
    assert interrupted.sequence == begun[2].sequence
