"""Tests that the glossary gives each term one meaning, in the order of the alphabet."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text()
TERMS = re.findall(r"(?m)^\| (.+?) \| .+ \|$", PAGE)[1:]


def test_each_term_stands_once_and_in_order():
    names = [name.strip() for row in TERMS for name in row.split(",")]
    assert sorted(set(names)) == sorted(names)
    assert [row.lower() for row in TERMS] == sorted(row.lower() for row in TERMS)


def test_the_words_of_a_snapshot_and_of_a_search_are_explained():
    assert {"alias", "as of T", "mask", "patch", "plan", "segment", "snapshot"} <= set(TERMS)
