from __future__ import annotations

import itertools

import pytest

from indexes.lexical.analysis import ENGLISH
from indexes.lexical.expressions import find_query_terms
from indexes.searching.highlights import Highlighter


def mark(question, text):
    return [text[span.start : span.end] for span in Highlighter(find_query_terms(question)).find(text)]


def test_words_that_begin_as_was_asked_are_highlighted():
    assert mark("deriv*", "Derivatives, derived; the drive") == ["Derivatives", "derived"]


def test_a_word_that_repeats_is_highlighted_each_time():
    assert mark("swaps", "Swap spreads; a swap, and swaps.") == ["Swap", "swap", "swaps"]


def test_of_a_compound_the_part_or_the_whole_is_highlighted_never_one_within_another():
    assert mark("term", "A long-term note") == ["term"]
    spans = Highlighter(find_query_terms("long-term term")).find("A long-term note")
    assert all(one.end <= other.start for one, other in itertools.pairwise(spans))


@pytest.mark.parametrize("text", ["", "...", "\u201cno\u201d", "the of and"])
def test_a_text_without_the_words_has_no_highlight(text):
    assert mark("coupon", text) == []


def test_one_question_keeps_what_it_has_seen_and_finds_the_same_again():
    highlighter = Highlighter(find_query_terms("1,452.4 bonds of Crédit-Agricole"))
    text = "Crédit-Agricole sold 1,452.4 million of bonds; Credit Agricole bought a bond."
    first = highlighter.find(text)
    assert highlighter.find(text) == first
    terms = find_query_terms("1,452.4 bonds of Crédit-Agricole")
    asked = {(token.start, token.end) for token in ENGLISH.find_tokens(text) if token.term in terms}
    assert {(span.start, span.end) for span in first} <= asked
    assert [text[span.start : span.end] for span in first][-1] == "bond"
