"""What tests of many questions at once share."""

from __future__ import annotations

import pytest


@pytest.fixture
def only_fast(monkeypatch):
    """Nothing is answered the way of single searches."""

    def refuse(request, *_, **__):
        raise AssertionError(f"asked one by one: {request}")

    monkeypatch.setattr("indexes.searching.batch.searcher.answer_one", refuse)
