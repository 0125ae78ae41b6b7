from __future__ import annotations

import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from eagleray.text_forms import normalise


@given(st.text(max_size=40))
def test_canonically_equal_texts_have_one_form(text):
    forms = {normalise(unicodedata.normalize(form, text)) for form in ("NFC", "NFD")}
    assert forms == {normalise(text)}
    assert normalise(normalise(text)) == normalise(text)


def test_no_format_character_is_left_and_everything_one_can_see_is():
    characters = map(chr, range(sys.maxunicode + 1))
    gone = {character for character in characters if normalise(character) == ""}
    assert {
        character for character in map(chr, range(0x20000)) if unicodedata.category(character) == "Cf"
    } <= gone
    assert {"\u034f", "\ufe0f", "\U000e0100", "\u3164"} <= gone
    assert not any(character.isspace() or unicodedata.category(character) == "Cc" for character in gone)


def test_case_accents_ligatures_and_widths_stay():
    for text in ("Straße", "ﬁnance", "\uff21", "résumé", "x²"):
        assert normalise(text) == text
