from __future__ import annotations

from dataclasses import replace

import pytest

from eagleray.contracts.hits import Granularity, SearchMode
from eagleray.contracts.principals import Principal
from eagleray.errors import DocumentNotFoundError, QueryError

STRANGER = Principal(subject="nobody")


@pytest.mark.parametrize("mode", list(SearchMode))
def test_a_document_finds_others_like_it_and_not_itself(asked, mode):
    row = next(row for row in asked.list_open() if not row.groups)
    hits = asked.ask(like=row.doc_id, mode=mode, k=10, exact=True)
    assert len(hits) == 10
    assert row.doc_id not in {hit.doc_id for hit in hits}
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_copy_of_a_document_is_most_like_it(asked):
    rows = asked.list_open()
    alone = [row for row in rows if sum(other.doc_id == row.doc_id for other in rows) == 1]
    pairs = [
        (row, other)
        for row in alone
        for other in alone
        if row is not other and (row.vector == other.vector).all() and row.text == other.text
    ]
    row, copy = pairs[0]
    for mode in SearchMode:
        best = asked.ask(like=row.doc_id, mode=mode, k=1, exact=True)[0]
        assert best.score == pytest.approx(
            max(hit.score for hit in asked.ask(like=row.doc_id, mode=mode, k=50, exact=True))
        )
        assert copy.doc_id in {hit.doc_id for hit in asked.ask(like=row.doc_id, mode=mode, k=5, exact=True)}


def test_a_hidden_document_is_not_there_like_one_that_does_not_exist(asked):
    hidden = next(row for row in asked.list_open() if row.groups)
    told = []
    for doc_id in (hidden.doc_id, "no such document"):
        with pytest.raises(DocumentNotFoundError) as caught:
            asked.ask(like=doc_id, principal=STRANGER)
        told.append(str(caught.value).replace(doc_id, "?"))
    assert told[0] == told[1]


def test_a_document_is_not_there_before_it_was_known(asked):
    row = max(asked.list_open(), key=lambda row: row.known_from)
    assert asked.ask(like=row.doc_id, as_of=row.known_from)
    with pytest.raises(DocumentNotFoundError, match="as of this time"):
        asked.ask(like=row.doc_id, as_of=row.known_from - 1)


def test_what_a_caller_may_not_see_moves_no_likeness(asked, tmp_path):
    from benchmarks.differential_world import make_world

    row = next(row for row in asked.list_open() if not row.groups)
    options = {"like": row.doc_id, "granularity": Granularity.CHUNK, "k": 100, "exact": True}
    seen = asked.ask(principal=STRANGER, **options)
    assert all(not hit.groups for hit in seen)
    again = replace(asked, world=make_world(97, tmp_path)).ask(principal=STRANGER, **options)
    assert [(hit.chunk_id, hit.score) for hit in seen] == [(hit.chunk_id, hit.score) for hit in again]


def test_many_questions_ask_in_words(asked):
    from eagleray.contracts.hits import SearchRequest

    with pytest.raises(QueryError, match="asked alone"):
        asked.world.searcher.search_many([SearchRequest(query="", like="doc1")])
