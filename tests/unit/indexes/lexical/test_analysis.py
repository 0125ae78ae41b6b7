from __future__ import annotations

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.text_forms import normalise
from indexes.lexical.analysis import ENGLISH, Analyzer
from indexes.lexical.characters import fold_text
from indexes.lexical.compounds import MAX_TERM

PLAIN_RULE = re.compile(
    r"\d{1,3}(?:,\d{3})+(?:\.\d+)?[^\W\d_]{0,3}(?![^\W_]|,\d)"
    r"|[^\W_]+(?:[-&/.'\u2019\u2010\u2011][^\W_]+)*"
)
"""What a run is, as one would write it down: quadratic, and for texts without marks."""


@pytest.mark.parametrize(
    ("text", "term"),
    [("swaps", "swap"), ("US0378331005", "us0378331005"), ("AAPL", "aapl"), ("Form 10-K", "10k")],
)
def test_words_are_stemmed_and_names_of_things_stay_whole(text, term):
    assert term in ENGLISH.find_terms(text)


@given(st.text(max_size=60))
def test_every_token_points_into_the_text(text):
    for token in ENGLISH.find_tokens(text):
        assert 0 <= token.start < token.end <= len(text)


def test_words_are_counted_through_those_too_common_to_be_terms():
    text = "rate of return on the cost-plus contract"
    assert [(token.term, token.word) for token in ENGLISH.find_tokens(text)] == [
        ("rate", 0),
        ("return", 2),
        ("cost", 5),
        ("plus", 6),
        ("costplus", 5),
        ("contract", 7),
    ]


@given(st.text(alphabet="1234,,,..ab-_ '&/\u00e9\u2019\u6e2f", max_size=60))
def test_runs_are_those_of_the_plain_rule(text):
    assert ENGLISH.find_runs(text) == PLAIN_RULE.findall(text)
    assert ENGLISH.find_places(text) == [
        (match.start(), match.group()) for match in PLAIN_RULE.finditer(text)
    ]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("1,234\u00b9", ["1234"]),
        ("revenue\u00b2 rose", ["revenu", "rose"]),
        ("5\u00bd", ["5", "1", "2"]),
        ("1,234\u2460", ["1234", "1"]),
        ("CO\u2082", ["co2"]),
        ("\uff11\uff0c\uff14\uff15\uff12\uff0e\uff14", ["1452.4"]),
        ("\uff33\uff06\uff30", ["s&p"]),
        ("\ufb01nance", ["financ"]),
        ("Stra\u00dfe STRASSE", ["strass", "strass"]),
        ("\u0130stanbul", ["istanbul"]),
        ("\u0926\u0941\u0928\u093f\u092f\u093e", ["\u0926\u0941\u0928\u093f\u092f\u093e"]),
        ("\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22", ["\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22"]),
        ("\u0645\u064f\u062d\u064e\u0645\u064e\u0651\u062f", ["\u0645\u062d\u0645\u062f"]),
        ("1\ufe0f\u20e3", ["1"]),
        ("\ufdf2 \ufdfa", ["\u0627\u0644\u0644\u0647", "\ufdfa"]),
        ("\u20dd \u00b9 \u3164", []),
    ],
)
def test_characters_become_what_one_searches_for(text, terms):
    assert ENGLISH.find_terms(text) == terms


PATTERNS = ("a{}b", "{}", "1,000{} x", "1{}", "{}-x", "{}'s y", "u.{}.", "US{}", "1,0{}00", "-{}")


def test_canonically_equal_texts_have_the_same_terms():
    analyzer = Analyzer()  # remembers tens of thousands of runs
    for character in map(chr, range(sys.maxunicode + 1)):
        decomposed = unicodedata.normalize("NFD", character)
        if decomposed != character and not 0xAC80 < ord(character) < 0xD700:  # most of Korean is alike
            for pattern in PATTERNS:
                terms = analyzer.find_terms(pattern.format(character))
                assert analyzer.find_terms(pattern.format(decomposed)) == terms, ascii(character)


@pytest.mark.parametrize(
    "word", ["recapitalization", "10-K", "1,452.4", "U.S.", "S&P", "company's", "Z\u00fcrich"]
)
def test_no_invisible_character_splits_a_word_or_hides_it(word):
    analyzer = Analyzer()
    terms = analyzer.find_terms(f"the {word} of")
    invisible = [chr(point) for point in range(0x10000) if normalise(chr(point)) == ""]
    for character in [*invisible, "\U000e0100"]:
        for place in range(1, len(word)):
            broken = word[:place] + character + word[place:]
            assert analyzer.find_terms(f"the {broken} of") == terms


def test_folding_what_is_folded_changes_nothing():
    for character in map(chr, range(sys.maxunicode + 1)):
        assert fold_text(fold_text(character)) == fold_text(character)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Der Zu\u0308rich-Vertrag", ["Zu\u0308rich", "Vertrag", "Zu\u0308rich-Vertrag"]),
        ("a re\u00adcapi\u00adtalization.", ["re\u00adcapi\u00adtalization"]),
        ("\ufb01nance\u00b9 deal", ["\ufb01nance", "deal"]),
        ("5\u00bd%", ["5", "\u00bd", "\u00bd"]),
        ("\u200e\uff11\uff0c\uff14\uff15\uff12\u200e!", ["\uff11\uff0c\uff14\uff15\uff12\u200e"]),
    ],
)
def test_tokens_point_into_the_text_as_it_is(text, spans):
    found = list(ENGLISH.find_tokens(text))
    assert [text[token.start : token.end] for token in found if token.surface != "der"] == spans


def test_a_word_without_end_counts_by_its_beginning():
    tokens = list(ENGLISH.find_tokens("y" * 100_000 + " bond"))
    assert [(len(token.term), token.end) for token in tokens] == [(MAX_TERM, 100_000), (4, 100_005)]
