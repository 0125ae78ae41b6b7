"""A real local store: questions on one snapshot, ten publishes, and the same questions again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eagleray.contracts.audits import AuditQuery
from eagleray.contracts.collections import Collection
from eagleray.contracts.filters import Compare, Comparison
from eagleray.contracts.hits import Granularity, Ranking, SearchMode, SearchRequest
from eagleray.contracts.indexes import TextField
from eagleray.contracts.principals import Principal
from eagleray.errors import NotPublishedError, QueryError
from indexes.snapshots.aliases import AliasMove, move_alias, read_alias
from serve.audit.entries import ReplyDetails, compare_hits
from serve.audit.layout import list_chains
from serve.audit.record import RecordedHit
from serve.audit.record_queries import scan_records
from serve.audit.replays import replay_records
from serve.audit.segments import decode_segment
from tests.audit_records import record_one
from tests.small_collections import DAY, SPEC, put_small_snapshot
from tests.small_searchers import open_engine

N_PUBLISHES = 10
RANKINGS = (
    Ranking(),
    Ranking(boosts={TextField.TITLE: 1.5}, diversity=0.3),
    Ranking(min_score=0.1, n_per_document=2),
)


class Opener:
    """Opens snapshots and keeps their ids."""

    def __init__(self, store):
        self._store, self.opened = store, []

    def __call__(self, name):
        engine = open_engine(self._store, name)
        self.opened.append(engine.snapshot)
        return engine


def list_requests():
    """Return a hundred requests of every mode, time, caller and ranking."""
    callers = [
        Principal(subject="ann", groups=frozenset({"rates"})),
        Principal(subject="bob", groups=frozenset({"credit", "desk"}), zones=frozenset({"default"})),
        Principal(subject="eve"),
    ]
    recent = Compare(column="year", op=Comparison.GE, value=2005)
    return [
        SearchRequest(
            query=query,
            mode=mode,
            k=1 + number % 7,
            granularity=list(Granularity)[number % 2],
            as_of=[None, 20 * DAY, 55 * DAY][number % 3],
            filter=[None, recent][number % 2],
            principal=callers[number % 3],
            exact=number % 5 == 0,
            ranking=replace(RANKINGS[number % 3], n_per_document=None)
            if list(Granularity)[number % 2] is Granularity.DOCUMENT
            else RANKINGS[number % 3],
        )
        for number in range(12)
        for query in ("swap curve", "bond", "gamma vega haircut")
        for mode in SearchMode
    ]


def log_searches(writer, engine, *, questions="text", requests=None):
    for request in requests or list_requests():
        response = engine.search(request)
        writer.append(record_one(request, response, questions=questions))


def publish(store, snapshot, now):
    current = read_alias(Collection(store, SPEC.name), "live")
    move = AliasMove(
        expected=current.snapshot if current else None, snapshot=snapshot, reason="publish", now=now
    )
    move_alias(Collection(store, SPEC.name), "live", move=move)


def test_after_ten_publishes_every_answer_comes_back_from_the_snapshot_that_gave_it(store, make_writer):
    opener = Opener(store)
    with make_writer() as writer:
        names = []
        for number in range(N_PUBLISHES + 1):
            names.append(put_small_snapshot(store, seed=number))
            publish(store, names[-1], now=number + 1)
            requests = list_requests() if number == 0 else list_requests()[:5]
            log_searches(writer, opener("live"), requests=requests)
    assert len(set(names)) == N_PUBLISHES + 1
    opener.opened.clear()
    found = replay_records(scan_records(store, SPEC.name, AuditQuery()), opener)
    assert found.different == []
    assert found.n_same == len(list_requests()) + 5 * N_PUBLISHES
    assert opener.opened == names

    first = scan_records(store, SPEC.name, AuditQuery(snapshot=names[0]))
    elsewhere = replay_records(first, lambda _: opener("live"))
    assert len(elsewhere.different) > elsewhere.n_same


def test_a_thousand_records_are_replayed(store, make_writer):
    name = put_small_snapshot(store)
    opener = Opener(store)
    engine = opener(name)
    with make_writer(max_segment_records=128) as writer:
        for _ in range(10):
            log_searches(writer, engine)
    found = replay_records(scan_records(store, SPEC.name, AuditQuery()), opener)
    assert (found.n_same, found.different) == (10 * len(list_requests()), [])
    assert found.n_same >= 1_000
    assert len(opener.opened) == 2


def test_what_cannot_be_replayed_is_counted(store, make_writer):
    name = put_small_snapshot(store)
    opener = Opener(store)
    request = list_requests()[0]
    response = opener(name).search(request)
    gone = replace(response, explanation=replace(response.explanation, snapshot="d" * 64))
    with make_writer() as writer:
        writer.append(record_one(request, response, questions="digest"))
        writer.append(record_one(request, QueryError(detail="x")))
        writer.append(record_one(request, gone))
        writer.append(record_one(request, response))
    found = replay_records(scan_records(store, SPEC.name, AuditQuery()), opener)
    assert (found.n_without_text, found.n_unanswered, found.n_gone, found.n_same) == (1, 1, 1, 1)
    assert found.different == []


def test_a_snapshot_that_is_gone_is_no_error_but_another_failure_is(store, make_writer):
    name = put_small_snapshot(store)
    with make_writer() as writer:
        log_searches(writer, Opener(store)(name), requests=list_requests()[:1])

    def refuse(_):
        raise NotPublishedError(name=name, detail="gone")

    def fail(_):
        raise QueryError(detail="the model is another")

    records = list(scan_records(store, SPEC.name, AuditQuery()))
    assert replay_records(records, refuse).n_gone == 1
    with pytest.raises(QueryError):
        replay_records(records, fail)


def test_a_changed_record_is_told_and_not_asked_again(store, make_writer):
    name = put_small_snapshot(store)
    with make_writer() as writer:
        log_searches(writer, Opener(store)(name), requests=list_requests()[:1])
    (segment,) = list_chains(store, SPEC.name)[writer.writer][-1:]
    records = decode_segment(store.read(segment.locate(SPEC.name)))
    changed = [replace(record, entry=replace(record.entry, subject="eve")) for record in records]
    found = replay_records(changed, Opener(store))
    assert found.n_same == 0
    assert ["verify" in difference.detail for difference in found.different] == [True]


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ({"score": np.nextafter(0.5, 1.0)}, "hit 1 was row 1 of doc with score 0.5, now row 1 of doc with"),
        ({"chunk_id": 2}, "now row 2"),
        ({"reranked": 0.5}, "reranked 0.5"),
    ],
)
def test_the_least_difference_is_told(found, wanted):
    hit = RecordedHit(chunk_id=1, doc_id="doc", score=0.5)
    recorded = ReplyDetails(hits=(hit,))
    assert wanted in compare_hits(recorded, ReplyDetails(hits=(replace(hit, **found),)))
    assert compare_hits(recorded, recorded) == ""
    assert compare_hits(recorded, ReplyDetails()) == "1 hits were recorded, 0 came back"
