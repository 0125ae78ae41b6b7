from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from serve.identity.key_texts import KeyText, is_key_id, make_key, parse_key


def test_a_key_is_read_back_from_its_text():
    key = make_key()
    assert parse_key(key.write()) == key
    assert is_key_id(key.key_id)


def test_two_keys_share_nothing():
    first, second = make_key(), make_key()
    assert first.key_id != second.key_id
    assert first.secret != second.secret
    assert len(bytes.fromhex(first.secret)) == 32


@given(place=st.integers(0, 91), letter=st.sampled_from("0123456789abcdef"))
def test_one_mistyped_letter_is_told_by_the_checksum(place, letter):
    text = KeyText(key_id="0123456789abcdef", secret="5a" * 32).write()
    assert len(text) == 92
    changed = text[:place] + letter + text[place + 1 :]
    assert (parse_key(changed) is None) == (changed != text)


@pytest.mark.parametrize(
    "change", [str.upper, lambda text: text[:-1], lambda text: text + "\n", lambda _: ""]
)
def test_a_text_of_another_form_is_no_key(change):
    assert parse_key(change(make_key().write())) is None


def test_digits_of_other_scripts_are_no_key():
    assert parse_key(make_key().write().replace("_", "_٣", 1)) is None


def test_the_secret_is_not_shown():
    key = make_key()
    assert key.secret not in repr(key)
