"""One document whole, against the rows it was made of."""

from __future__ import annotations

import pytest

from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.shown_documents import DocumentRequest
from eagleray.errors import DocumentNotFoundError
from tests.small_collections import DAY
from tests.unit.indexes.searching.test_searcher import (
    EVERYBODY,
    make_collection,
    make_searcher,
    open_rows,
)

STRANGER = Principal(subject="x")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    rows = make_collection(12)
    return rows, make_searcher(open_rows(rows, tmp_path_factory.mktemp("desk"), n_segments=3))


def list_visible(rows, doc_id, *, as_of, principal):
    """Return the rows of a document that a caller sees, in its order, by the plain rules."""
    seen = [
        row
        for row in rows
        if row["doc_id"] == doc_id
        and row["known_from"] <= as_of < row["known_to"]
        and (not row["groups"] or principal.groups & set(row["groups"]))
        and (principal.zones is None or row["zone"] in principal.zones)
    ]
    return sorted(seen, key=lambda row: (row["start"], row["chunk_id"]))


def test_a_document_has_the_chunks_its_caller_sees_at_that_time_in_their_order(desk):
    rows, searcher = desk
    callers = [EVERYBODY, STRANGER, Principal(subject="y", groups=frozenset({"rates"}), zones=frozenset())]
    n_shown = n_hidden = 0
    for doc_id in sorted({row["doc_id"] for row in rows}):
        for day in (3, 20, 45):
            for principal in callers:
                wanted = list_visible(rows, doc_id, as_of=day * DAY, principal=principal)
                request = DocumentRequest(doc_id=doc_id, as_of=day * DAY, principal=principal)
                if not wanted:
                    n_hidden += 1
                    with pytest.raises(DocumentNotFoundError):
                        searcher.show_document(request)
                    continue
                n_shown += 1
                shown = searcher.show_document(request)
                names = ("chunk_id", "heading", "text", "start", "end", "page")
                found = [tuple(getattr(chunk, name) for name in names) for chunk in shown.chunks]
                assert found == [tuple(row[name] for name in names) for row in wanted]
                first = wanted[0]
                for name in ("doc_id", "version", "title", "source", "zone", "event_time", "known_from"):
                    assert getattr(shown, name) == first[name], name
                assert set(shown.groups) == set(first["groups"])
                assert shown.snapshot == searcher.snapshot
    assert n_shown > 20
    assert n_hidden > 20


def test_attributes_are_those_that_hits_show(desk):
    _, searcher = desk
    request = SearchRequest(query="swap", k=50, mode=SearchMode.LEXICAL, principal=EVERYBODY)
    hits = searcher.search(request).hits
    assert hits
    for hit in hits:
        shown = searcher.show_document(DocumentRequest(doc_id=hit.doc_id, principal=EVERYBODY))
        for name in ("attributes", "known_to", "version", "groups"):
            assert getattr(shown, name) == getattr(hit, name), name
        (chunk,) = [chunk for chunk in shown.chunks if chunk.chunk_id == hit.chunk_id]
        assert (chunk.text, chunk.start, chunk.page) == (hit.text, hit.start, hit.page)


def test_hidden_and_missing_are_told_alike(desk):
    rows, searcher = desk
    hidden = next(row["doc_id"] for row in rows if row["groups"])
    told = []
    for doc_id in (hidden, "not-there"):
        with pytest.raises(DocumentNotFoundError) as caught:
            searcher.show_document(DocumentRequest(doc_id=doc_id, principal=STRANGER))
        told.append(str(caught.value).replace(doc_id, "NAME"))
    assert told[0] == told[1]
