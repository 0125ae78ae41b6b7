"""No text costs more than its length, whatever it holds."""

from __future__ import annotations

import pytest

from indexes.lexical.analysis import Analyzer
from indexes.lexical.building import build_postings
from indexes.lexical.compounds import split_run
from indexes.lexical.expressions import find_query_terms, name_match
from indexes.searching.highlights import Highlighter
from tests.doubling import LINEAR, measure_growth

HOSTILE = {
    "parts": lambda n: "a." * n,
    "hyphens": lambda n: "ab-" * n,
    "groups": lambda n: "1" + ",111" * n + "1",
    "groups apart": lambda n: "1,111 " * n,
    "decimals": lambda n: "1,111." + "1" * n + "x",
    "versions": lambda n: "1.1" * n + "x",
    "letters": lambda n: "y" * n,
    "digits": lambda n: "1" * n + "x",
    "joiners": lambda n: "'" * n,
    "apostrophes": lambda n: "a'" * n,
    "possessives": lambda n: "a's" * n,
    "asterisks": lambda n: "*" * n,
    "beginnings": lambda n: "a.a*" * n,
    "quotes": lambda n: '"' * n,
    "open quotes": lambda n: "\u201cab " * n,
    "phrases": lambda n: '"ab cd" ' * n,
    "marks": lambda n: "a" + "\u0301" * n,
    "marks alone": lambda n: "\u0301" * n,
    "marked digits": lambda n: "1" + ",1\u030111" * n + "1",
    "superscripts": lambda n: "1\u00b9" * n,
    "circled": lambda n: "1\u2460" * n,
    "ligatures": lambda n: "\ufdfa\ufdf2" * n,
    "soft hyphens": lambda n: "a\u00ad" * n,
    "spaces": lambda n: " " * n,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    "work",
    [
        lambda text: list(Analyzer().find_tokens(text)),
        lambda text: Analyzer().find_terms(text),
        lambda text: split_run(text.strip() or "a"),
        find_query_terms,
        name_match.__wrapped__,
        lambda text: Highlighter({"ab*": 1, "x": 1}).find(text),
    ],
    ids=["tokens", "terms", "run", "question", "match", "highlights"],
)
def test_time_grows_as_the_text_does(work, name):
    assert measure_growth(work, HOSTILE[name], 1_000) < LINEAR


@pytest.mark.parametrize("name", ["parts", "groups", "letters", "marks"])
def test_a_text_of_one_word_is_indexed_in_time_that_grows_as_it_does(name):
    build_postings(["warm"])
    assert measure_growth(lambda text: build_postings([text]), HOSTILE[name], 20_000, runs=3) < LINEAR
