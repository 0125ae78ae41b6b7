from __future__ import annotations

import re

import pytest

from indexes.lexical.expressions import MAX_EXPRESSIONS, find_query_terms, name_match


@pytest.mark.parametrize(
    ("question", "extras"),
    [
        ("what is a total return swap", {}),
        ('what is a "total return swap"', {'"total return swap"': 1}),
        ("what is a \u201ctotal return swap\u201d", {'"total return swap"': 1}),
        ('the "rate of return"', {'"rate ? return"': 1}),
        ('"cost-plus contracts"', {'"cost plus contract"': 1}),
        ('a "swap"', {}),
        ('an "unclosed quote', {}),
        ('"of the"', {}),
        ("deriva* desk", {"deriva*": 1}),
        ("notes US0378* and 10-K*", {"us0378*": 1, "10k*": 1}),
        ("**bold** 2*3 * a*", {}),
        ("Socie\u0301te\u0301* r\u00e9sum* e\u0301*", {"societe*": 1, "resum*": 1}),
        ("re\u00adcapi* \u3164\u3164* \u00b2\u00b2*", {"recapi*": 1}),
        (" ".join(f"ab{n}*" for n in range(40)), {f"ab{n}*": 1 for n in range(MAX_EXPRESSIONS)}),
    ],
)
def test_phrases_and_beginnings_count_besides_the_words(question, extras):
    terms = find_query_terms(question)
    assert {name: n for name, n in terms.items() if '"' in name or "*" in name} == extras
    plain = find_query_terms(re.sub('["*\u201c\u201d]', " ", question))
    assert {name: n for name, n in terms.items() if name not in extras} == plain


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("swaps", "swap"),
        ("credit events", '"credit event"'),
        ("10-K", "10k"),
        (" deriva* ", "deriva*"),
        ("credit deriva*", ""),
        ("of the", ""),
        ("\ufeffde\u00adriva*\u200b", "deriva*"),
        ("Socie\u0301te\u0301 G\u00e9n\u00e9rale", '"societ general"'),
        ("", ""),
    ],
)
def test_a_match_is_a_term_a_phrase_or_a_beginning(text, name):
    assert name_match(text) == name
