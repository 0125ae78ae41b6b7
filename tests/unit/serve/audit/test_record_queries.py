from __future__ import annotations

import pytest

from eagleray.contracts.audits import AuditQuery
from eagleray.errors import IntegrityError
from serve.audit.layout import list_chains
from serve.audit.record_queries import scan_records
from serve.audit.segments import open_segment
from tests.unit.serve.audit.conftest import COLLECTION, make_entry


@pytest.fixture
def log(store, make_writer):
    writers = [make_writer(max_segment_records=7) for _ in range(2)]
    for number, writer in enumerate(writers):
        with writer:
            for place in range(40):
                writer.append(make_entry(place, subject=["ann", "bob"][(place + number) % 2]))
    return writers


def find(store, **query):
    return [
        (record.entry.subject, record.entry.snapshot[:1], record.time)
        for record in scan_records(store, COLLECTION, AuditQuery(**query))
    ]


def test_records_of_all_chains_come_in_the_order_of_their_times(store, log):
    times = [record.time for record in scan_records(store, COLLECTION, AuditQuery())]
    assert times == sorted(times)
    assert len(times) >= 84


@pytest.mark.parametrize(
    ("query", "accepts"),
    [
        ({"subject": "ann"}, lambda row: row[0] == "ann"),
        ({"action": "search"}, lambda row: row[0] != ""),
        ({"snapshot": "22"}, lambda row: row[1] == "2"),
        ({"since": 1_000_010, "until": 1_000_020}, lambda row: 1_000_010 <= row[2] < 1_000_020),
        ({"subject": "bob", "snapshot": "1"}, lambda row: row[:2] == ("bob", "1")),
        ({"subject": "eve"}, lambda row: False),
    ],
)
def test_a_query_selects_what_going_through_all_selects(store, log, query, accepts):
    assert find(store, **query) == [row for row in find(store) if accepts(row)]


@pytest.mark.parametrize("limit", [0, 1, 5, 17, 500])
def test_the_latest_are_the_last_of_all_and_older_segments_stay_shut(store, log, limit, monkeypatch):
    everything, opened = find(store, subject="ann"), []

    def open_watched(*args):
        opened.append(args)
        return open_segment(*args)

    monkeypatch.setattr("serve.audit.record_queries.open_segment", open_watched)
    assert find(store, subject="ann", limit=limit, is_latest=True) == everything[-limit:]
    if limit == 5:
        assert len(opened) < sum(len(names) for names in list_chains(store, COLLECTION).values()) / 2


def test_columns_that_are_not_asked_for_are_read_only_where_a_record_is_wanted(store, log, monkeypatch):
    read = []

    def open_watched(*args):
        file = open_segment(*args)
        inner = file.read

        def read_columns(columns=None, **given):
            read.append(columns)
            return inner(columns=columns, **given)

        file.read = read_columns
        return file

    monkeypatch.setattr("serve.audit.record_queries.open_segment", open_watched)
    assert find(store, subject="eve") == []
    assert None not in read
    assert len(read) == sum(len(names) for names in list_chains(store, COLLECTION).values())


def test_a_segment_that_cannot_be_read_is_an_error(store, log):
    name = list_chains(store, COLLECTION)[log[0].writer][1]
    store.write(name.locate(COLLECTION), b"no parquet")
    with pytest.raises(IntegrityError):
        find(store)
