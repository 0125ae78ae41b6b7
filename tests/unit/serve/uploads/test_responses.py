from __future__ import annotations

from dataclasses import replace

import pytest

from eagleray.contracts.principals import Principal
from eagleray.errors import IntegrityError, NotPublishedError
from indexes.storage import open_store
from serve.uploads import responses
from serve.uploads.keeping import OwnRecords
from serve.uploads.records import ResponseRecord, make_name, read_clock
from serve.uploads.responses import ResponseLimits

MADE = ResponseRecord(
    response_id="",
    created=1,
    expires=2,
    groups=["desk"],
    zones=None,
    asked={"input": "swap"},
    rows={"doc-1": ["7"]},
    text="{}",
)


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path)


def make_record(**fields):
    now = read_clock()
    limits = ResponseLimits(n_days=2)
    fields = {"created": now, "expires": limits.find_end(now), **fields}
    return replace(MADE, response_id=make_name("resp_"), **fields)


def open_own(store, subject="ann"):
    return OwnRecords(store, "notes", subject=subject).responses


def test_a_response_comes_back_to_its_owner_alone(store):
    record = make_record()
    open_own(store).add(record, most=3)
    assert open_own(store).find(record.response_id) == record
    for subject, name in (("ben", record.response_id), ("ann", make_name("resp_")), ("ann", "../x")):
        with pytest.raises(NotPublishedError) as told:
            open_own(store, subject).find(name)
        assert told.value.fields == {"name": name, "detail": "you have nothing of this name here"}


def test_one_that_has_expired_is_missing_and_then_removed(store, monkeypatch):
    record, own = make_record(), open_own(store)
    own.add(record, most=3)
    monkeypatch.setattr(responses, "read_clock", lambda: record.expires - 1)
    own.remove_expired()
    assert own.find(record.response_id) == record
    monkeypatch.setattr(responses, "read_clock", lambda: record.expires)
    with pytest.raises(NotPublishedError):
        own.find(record.response_id)
    with pytest.raises(NotPublishedError):
        own.delete(record.response_id)
    own.remove_expired()
    assert list(store.list("notes")) == []


def test_the_newest_are_kept(store):
    own, records = open_own(store), [make_record() for _ in range(5)]
    for record in records:
        own.add(record, most=2)
    open_own(store, "ben").add(make_record(), most=2)
    for record in records[:3]:
        with pytest.raises(NotPublishedError):
            own.find(record.response_id)
    assert [own.find(record.response_id) for record in records[3:]] == records[3:]


def test_one_that_was_deleted_is_missing(store):
    record, own = make_record(), open_own(store)
    own.add(record, most=2)
    own.delete(record.response_id)
    for ask in (own.find, own.delete):
        with pytest.raises(NotPublishedError):
            ask(record.response_id)


def test_a_damaged_record_is_told(store):
    record, own = make_record(), open_own(store)
    own.add(record, most=2)
    (item,) = store.list("notes")
    store.write(item.path, b'{"response_id": "x"}')
    with pytest.raises(IntegrityError):
        own.find(record.response_id)


@pytest.mark.parametrize(
    ("groups", "zones", "kept", "is_within"),
    [
        ({"desk"}, None, None, True),
        ({"desk", "fx"}, None, None, True),
        ({"fx"}, None, None, False),
        ({"desk"}, {"emea"}, None, False),
        ({"desk"}, {"emea", "apac"}, ["emea"], True),
        ({"desk"}, {"apac"}, ["emea"], False),
        ({"desk"}, None, ["emea"], True),
    ],
)
def test_it_is_for_callers_with_the_groups_and_zones_it_was_made_with(groups, zones, kept, is_within):
    principal = Principal(
        subject="ann", groups=frozenset(groups), zones=None if zones is None else frozenset(zones)
    )
    assert replace(MADE, zones=kept).is_within(principal) is is_within
