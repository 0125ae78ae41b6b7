from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.client.event_streams import Event, EventReader, read_answer_part
from eagleray.errors import ServerError, StoreError

STREAM = b'event: statement\ndata: {"a": 1}\n\n: a comment\n\ndata: one\r\ndata: two\r\n\r\nevent: x\n\n'
EVENTS = [Event(name="statement", data='{"a": 1}'), Event(name="message", data="one\ntwo")]


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_events_are_the_same_however_the_stream_is_cut(cuts):
    places = [0, *sorted(cuts), len(STREAM)]
    reader = EventReader(url="x")
    pieces = [STREAM[start:end] for start, end in pairwise(places)]
    assert [event for piece in pieces for event in reader.feed(piece)] == EVENTS


def test_what_is_no_utf_8_is_an_error_that_names_the_server():
    with pytest.raises(ServerError, match="https://x"):
        [*EventReader(url="https://x").feed(b"data: \xff\n")]


@pytest.mark.parametrize(
    ("name", "data"),
    [("statement", "{"), ("statement", "[]"), ("answer", "{}"), ("error", '"x"'), ("error", "{}")],
)
def test_an_event_that_cannot_be_read_is_an_error(name, data):
    with pytest.raises(ServerError, match="cannot be read"):
        read_answer_part(Event(name=name, data=data), url="x")


def test_an_event_that_tells_of_an_error_raises_it():
    error = StoreError(path="x", detail="the store is away")
    data = json.dumps(
        {"type": "urn:eagleray:problem:store", "status": 503, "detail": str(error), "fields": error.fields}
    )
    with pytest.raises(StoreError):
        read_answer_part(Event(name="error", data=data), url="x")


def test_an_event_of_a_later_version_is_passed_over():
    assert read_answer_part(Event(name="thought", data="{}"), url="x") is None
