from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.engine.shared.sealing import Sealer

SEALER = Sealer("a secret of tests, long enough")
PARTS = st.lists(st.text(), max_size=4)


@given(value=st.binary(max_size=200), parts=PARTS)
def test_what_was_sealed_opens_under_its_name_alone(value, parts):
    name = SEALER.name("result", *parts)
    sealed = SEALER.seal(name, value)
    assert SEALER.open(name, sealed) == value
    assert SEALER.open(SEALER.name("vector", *parts), sealed) is None
    assert SEALER.open(SEALER.name("result", *parts, ""), sealed) is None
    assert Sealer("another secret of tests").open(name, sealed) is None


@given(value=st.binary(min_size=1, max_size=60), data=st.data())
def test_a_changed_cut_or_longer_value_does_not_open(value, data):
    name = SEALER.name("result", "a")
    sealed = SEALER.seal(name, value)
    place = data.draw(st.integers(0, len(sealed) - 1))
    bit = data.draw(st.integers(0, 7))
    changed = bytearray(sealed)
    changed[place] ^= 1 << bit
    assert SEALER.open(name, bytes(changed)) is None
    assert SEALER.open(name, sealed[:place]) is None
    assert SEALER.open(name, sealed + b"\0") is None


@given(one=PARTS, other=PARTS)
def test_other_parts_give_another_name(one, other):
    assert (SEALER.name("result", *one) == SEALER.name("result", *other)) == (one == other)


def test_a_name_tells_nothing_of_its_parts_and_a_value_nothing_of_its_text():
    name = SEALER.name("result", "rates", "who is called?")
    assert name.startswith(b"eagleray:result:")
    assert Sealer("another secret of tests").name("result", "rates", "who is called?") != name
    assert b"the coupon" not in SEALER.seal(name, b"the coupon")
    assert SEALER.seal(name, b"the coupon") != SEALER.seal(name, b"the coupon")


@pytest.mark.parametrize("junk", [b"", b"\0" * 11, b"\0" * 12, b"\0" * 64])
def test_junk_does_not_open(junk):
    assert SEALER.open(SEALER.name("result"), junk) is None
