from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from eagleray.errors import IntegrityError
from indexes.snapshots.seals import seal, unseal

ENTRIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(ENTRIES)
def test_a_sealed_entry_comes_back(entry):
    assert unseal(seal(entry, name="a.json"), name="a.json", path="x/a.json") == entry


@given(ENTRIES, st.data())
def test_any_changed_byte_breaks_the_seal(entry, data):
    sealed = bytearray(seal(entry, name="a.json"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(IntegrityError, match="x/a.json"):
        unseal(bytes(sealed), name="a.json", path="x/a.json")


@pytest.mark.parametrize("data", [b"", b"3", b"[]", b"{}", b'{"entry":NaN,"sha256":""}', b"[" * 100_000])
def test_what_never_was_sealed_is_refused(data):
    with pytest.raises(IntegrityError, match="x/a.json"):
        unseal(data, name="a.json", path="x/a.json")


def test_a_seal_holds_for_one_name_only():
    with pytest.raises(IntegrityError, match="b.json"):
        unseal(seal({"a": 1}, name="a.json"), name="b.json", path="b.json")
