from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from eagleray.printable import escape_json, make_printable

ANY_TEXT = st.text(st.characters(), max_size=40)  # lone surrogates among them


def test_what_steers_a_terminal_is_shown_as_its_escape():
    assert make_printable("a\x1b[31mb\rc\nd\te\x07\x9bf") == r"a\x1b[31mb\rc\nd\te\x07\x9bf"
    assert make_printable("pay\u202e001\u2069 \ud800") == r"pay\u202e001\u2069 \ud800"
    assert make_printable("Größe 漢 👨\u200d👩 €") == "Größe 漢 👨\u200d👩 €"


@given(ANY_TEXT)
def test_no_control_and_no_half_of_a_character_is_left(text):
    shown = make_printable(text)
    assert not any(unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} for sign in shown)
    shown.encode("utf-8")


@given(st.dictionaries(ANY_TEXT, st.lists(ANY_TEXT)))
def test_escaped_json_means_the_same(value):
    shown = escape_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(shown) == json.loads(json.dumps(value))
    assert make_printable(shown) == shown
