"""A text is found however its characters are written, and what is marked in it is the text as it is."""

from __future__ import annotations

import numpy as np
import pytest

from eagleray.contracts.hits import FacetRequest, Granularity, SearchMode, SearchRequest
from eagleray.digests import canonical_json
from indexes.masks.grammar import parse_filter
from tests.small_collections import make_rows
from tests.unit.indexes.searching.test_searcher import EVERYBODY, make_searcher, open_rows

ZURICH = {"nfc": "Z\u00fcrich Soci\u00e9t\u00e9", "nfd": "Zu\u0308rich Socie\u0301te\u0301"}
TEXTS = {
    **{name: f"Der {words} Vertrag." for name, words in ZURICH.items()},
    "shy": "The re\u00adcapi\u00adtalization of 1,234\u00b9 million was agreed.",
    "wide": "\uff11\uff0c\uff12\uff13\uff14 \ufb01nancial swaps of \uff21\uff22\uff23 were agreed.",
    "other": "Nothing of the kind.",
}


@pytest.fixture(scope="module")
def searcher(tmp_path_factory):
    (template, *_) = make_rows(np.random.default_rng(1), n_documents=1)
    rows = [
        template
        | {"doc_id": name, "chunk_id": number, "text": text, "title": text, "heading": ""}
        | {"attributes": canonical_json({"s": ZURICH.get(name, "x").split()[-1]}).decode()}
        for number, (name, text) in enumerate(TEXTS.items(), 1)
    ]
    return make_searcher(open_rows(rows, tmp_path_factory.mktemp("forms"), n_segments=2))


def find(searcher, query, **more):
    request = SearchRequest(query=query, principal=EVERYBODY, granularity=Granularity.CHUNK, **more)
    return searcher.search(request).hits


@pytest.mark.parametrize("mode", [SearchMode.LEXICAL, SearchMode.HYBRID])
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("Z\u00fcrich", {"nfc", "nfd"}),
        ("Zu\u0308rich", {"nfc", "nfd"}),
        ("Z\u00fcri*", {"nfc", "nfd"}),
        ("recapitalization", {"shy"}),
        ("re\u200bcapitalization", {"shy"}),
        ("1,234", {"shy", "wide"}),
        ("financial", {"wide"}),
        ("abc", {"wide"}),
    ],
)
def test_every_form_of_a_word_is_found(searcher, query, names, mode):
    found = {hit.doc_id for hit in find(searcher, query, mode=mode) if hit.lexical}
    assert found == names


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ('text matches "Z\u00fcrich socie\u0301te\u0301"', {"nfc", "nfd"}),
        ('title matches "zu\u0308rich"', {"nfc", "nfd"}),
        ('text matches "recap\u00adi*"', {"shy"}),
        ('text matches "1,234 million"', {"shy"}),
        ('s = "Soci\u00e9t\u00e9"', {"nfc", "nfd"}),
        ('s in ("Socie\u0301te\u0301")', {"nfc", "nfd"}),
    ],
)
def test_every_form_passes_a_filter(searcher, written, names):
    hits = find(searcher, "agreed vertrag nothing", filter=parse_filter(written), k=10)
    assert {hit.doc_id for hit in hits} == names


def test_phrases_are_found_in_every_form_and_marked_where_they_stand(searcher):
    marked = {}
    query = '"z\u00fcrich soci\u00e9t\u00e9" recapitalization 1,234'
    for hit in find(searcher, query, mode=SearchMode.LEXICAL):
        assert hit.text == TEXTS[hit.doc_id]
        marked[hit.doc_id] = [hit.text[span.start : span.end] for span in hit.highlights]
    assert marked == {
        "nfc": ["Z\u00fcrich", "Soci\u00e9t\u00e9"],
        "nfd": ["Zu\u0308rich", "Socie\u0301te\u0301"],
        "shy": ["re\u00adcapi\u00adtalization", "1,234"],
        "wide": ["\uff11\uff0c\uff12\uff13\uff14"],
    }


def test_values_that_are_equal_to_filters_are_counted_as_one(searcher):
    request = FacetRequest(column="s", principal=EVERYBODY)
    assert searcher.count_values(request) == [
        {"value": "x", "documents": 3},
        {"value": "Soci\u00e9t\u00e9", "documents": 2},
    ]
