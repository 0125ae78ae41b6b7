"""What a parser makes of requests for another protocol, however their bytes are cut."""

from __future__ import annotations

import gc
import weakref
from contextlib import suppress

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.http.middleware.upgrades import UpgradeParser

ASKING = b"connection: upgrade\r\nupgrade: h2c\r\n"
BODIES = [
    (b"content-length: 6\r\n", b"abcdef"),
    (b"transfer-encoding: chunked\r\n", b"2\r\nab\r\n4;x=y\r\ncdef\r\n0\r\n\r\n"),
]


class Heard:
    """Keeps what it is called with, as uvicorn's protocol would."""

    def __init__(self):
        self.headers, self.body, self.n_heads, self.n_ends = [], b"", 0, 0

    def on_message_begin(self):
        self.headers = []

    def on_url(self, url):
        pass

    def on_header(self, name, value):
        self.headers.append((name.lower(), value))

    def on_headers_complete(self):
        self.n_heads += 1

    def on_body(self, body):
        self.body += body

    def on_message_complete(self):
        self.n_ends += 1


def feed(data, cuts=()):
    heard = Heard()
    parser, has_asked = UpgradeParser(heard), False
    for first, last in zip([0, *cuts], [*cuts, len(data)], strict=True):
        try:
            parser.feed_data(data[first:last])
        except httptools.HttpParserUpgrade:
            has_asked = True
    return heard, has_asked


@given(
    st.data(),
    st.sampled_from(BODIES),
    st.sampled_from([b"", b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", b"\0\xff"]),
)
def test_a_body_is_read_whole_and_nothing_after_it(drawn, framed, more):
    framing, body = framed
    data = b"POST /x HTTP/1.1\r\nhost: a\r\n" + ASKING + framing + b"\r\n" + body + more
    cuts = sorted(drawn.draw(st.lists(st.integers(0, len(data)), max_size=6)))
    heard, has_asked = feed(data, cuts)
    assert has_asked
    assert (heard.body, heard.n_heads, heard.n_ends) == (b"abcdef", 1, 1)


@pytest.mark.parametrize("asking", [ASKING, b""])
def test_what_was_read_goes_with_its_connection_and_waits_for_no_collection(asking):
    heard = Heard()
    parser, gone = UpgradeParser(heard), weakref.ref(heard)
    with suppress(httptools.HttpParserUpgrade):
        parser.feed_data(b"POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n" + asking + b"\r\n123")
    gc.disable()
    try:
        parser.release()
        del parser, heard
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("asking", [ASKING, b""])
def test_a_request_without_a_body_ends_with_its_head(asking):
    heard, has_asked = feed(b"GET /x HTTP/1.1\r\nhost: a\r\n" + asking + b"\r\n")
    assert has_asked is bool(asking)
    assert (heard.body, heard.n_heads, heard.n_ends) == (b"", 1, 1)


def test_requests_that_ask_for_nothing_follow_one_another():
    one = b"POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc"
    heard, has_asked = feed(one * 3)
    assert not has_asked
    assert (heard.body, heard.n_heads, heard.n_ends) == (b"abcabcabc", 3, 3)


def test_a_body_that_is_none_is_told():
    with pytest.raises(httptools.HttpParserError):
        feed(b"POST /x HTTP/1.1\r\nhost: a\r\n" + ASKING + b"transfer-encoding: chunked\r\n\r\nno chunk\r\n")


def test_a_tunnel_has_no_body():
    heard, has_asked = feed(b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\nwhat is in it")
    assert has_asked
    assert (heard.body, heard.n_heads, heard.n_ends) == (b"", 1, 1)
