"""Bodies that parsers disagree about, or that grow in memory, are told from plain JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.http.middleware.json_limits import MAX_CONTAINERS, MAX_STRINGS, MAX_VALUES, JsonError, check_json

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@given(value=PLAIN, ensure_ascii=st.booleans())
def test_plain_json_passes_as_it_is(value, ensure_ascii):
    body = json.dumps(value, ensure_ascii=ensure_ascii).encode()
    assert check_json(body) == body


def test_a_byte_order_mark_is_taken_off():
    assert check_json(b'\xef\xbb\xbf{"a": 1}') == b'{"a": 1}'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{} x",
        b"[1,]",
        b"NaN",
        b"[Infinity]",
        b'{"a": -Infinity}',
        b"1e400",
        b"-1e9999",
        b"9223372036854775808",
        b"-9223372036854775809",
        b'{"a": [18446744073709551616]}',
        b"1" * 5_000,
        b'"\\ud800"',
        b'{"\\udc00": 1}',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b'"\x00"',
        b"\x1f\x8b\x08\x00",
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-16-le"),
        '{"a": 1}'.encode("utf-32"),
        b"[" * 100_000,
        b"[" * 250 + b"]" * 250,
        b'{"a":' * 100_000,
        b"[" + b"[]," * MAX_CONTAINERS + b"[]]",
        b"[" + b'{"\\"":"["},' * MAX_CONTAINERS + b"[]]",
        b"[" + b'"",' * MAX_STRINGS + b'""]',
        b"[" + b"1," * MAX_VALUES + b"1,1]",
    ],
    ids=lambda body: f"{body[:16]!r}-{len(body)}",
)
def test_what_is_no_plain_json_is_refused_in_a_short_sentence(body):
    with pytest.raises(JsonError) as caught:
        check_json(body)
    assert 10 < len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "body",
    [
        b"[9223372036854775807, -9223372036854775808, 1e308, -0, -0.0, 1e-400]",
        b'"1e400 and 18446744073709551616"',
        b'["' + b"[{" * MAX_CONTAINERS + b'"]',
        b'["\\\\", "' + b'\\"[' * MAX_CONTAINERS + b'"]',
        b"[" + b"[]," * 1_000 + b"[]]",
        b"[" + b"1," * (MAX_VALUES - 1) + b"1]",
        b'["' + b"," * MAX_VALUES + b',"]',
        b"[" * 150 + b"]" * 150,
    ],
    ids=lambda body: f"{body[:16]!r}-{len(body)}",
)
def test_what_only_looks_odd_passes(body):
    assert check_json(body) == body
