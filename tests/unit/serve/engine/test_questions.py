from __future__ import annotations

import pickle

import pytest

from eagleray.contracts.hits import FacetRequest, SearchMode, SearchRequest
from eagleray.contracts.shown_documents import DocumentRequest
from indexes.storage import open_store
from serve.engine.questions import CountValues, Search, SearchBatch, ShowDocument
from tests.small_collections import put_small_snapshot
from tests.small_searchers import open_engine

SEARCH = Search(SearchRequest(query="swap", mode=SearchMode.LEXICAL))


@pytest.fixture
def engine(tmp_path):
    store = open_store(tmp_path / "store")
    return open_engine(store, put_small_snapshot(store))


@pytest.mark.parametrize(
    "asked",
    [
        SEARCH,
        SearchBatch((SEARCH, SEARCH), turn_s=30.0),
        CountValues(FacetRequest(column="ticker")),
        ShowDocument(DocumentRequest(doc_id="doc-2")),
    ],
    ids=lambda asked: type(asked).__name__,
)
def test_a_question_asks_the_same_in_another_process(engine, asked):
    sent = pickle.loads(pickle.dumps(asked))  # noqa: S301 - our own bytes
    first, second = asked(engine), sent(engine)
    for one, other in zip(
        first if isinstance(first, tuple) else (first,),
        second if isinstance(second, tuple) else (second,),
        strict=True,
    ):
        assert getattr(one, "hits", one) == getattr(other, "hits", other)
        assert getattr(one, "snapshot", engine.snapshot) == engine.snapshot


def test_no_search_of_a_batch_but_the_first_begins_after_its_turn(engine):
    asked = []

    class Counting:
        def search(self, request, **more):
            asked.append(request)
            return engine.search(request, **more)

    (response,) = SearchBatch((SEARCH,) * 50, turn_s=0.0)(Counting())
    assert response.hits
    assert len(asked) == 1
