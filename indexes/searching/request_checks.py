"""Which requests can be answered; the others are refused before anything is looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eagleray.contracts.bounds import MAX_NAME, MAX_QUESTION
from eagleray.contracts.hits import FacetRequest, Granularity, SearchMode, SearchRequest
from eagleray.contracts.indexes import TextField
from eagleray.contracts.ports import Reranker
from eagleray.errors import QueryError
from indexes.masks.filter_checks import NO_UNICODE, check_filter, is_unicode
from indexes.searching.reranked_rows import choose_reranker


def check_request(request: SearchRequest) -> None:
    """Refuse a request that cannot be answered.

    Raises:
        QueryError: says which part, and what it may be.
        FilterError: the filter is too large.
    """
    if request.like and request.query.strip():
        raise QueryError(detail="a question and a document to find others like it: give one of the two")
    if not request.like and not request.query.strip():
        raise QueryError(detail="the query is empty; ask a question in words")
    _check_text("the query", request.query, MAX_QUESTION)
    _check_text("like", request.like, MAX_NAME)
    if request.filter is not None:
        check_filter(request.filter)
    if request.k < 1:
        raise QueryError(detail=f"k must be at least 1, found {request.k}")
    if request.page is not None and (request.page.skip < 0 or request.page.n < 1):
        raise QueryError(detail=f"a page has 1 hit or more after 0 or more; found {request.page}")
    if request.ranking.n_per_document is not None:
        _check_per_document(request.ranking.n_per_document, request.granularity)
    _check_share("diversity", request.ranking.diversity)
    if request.ranking.dense_weight is not None:
        _check_share("dense_weight", request.ranking.dense_weight)
    if request.rerank and (request.like or request.ranking.diversity):
        raise QueryError(detail="rerank orders answers to a question, without like and without diversity")
    _check_floors(request)
    _check_boosts(request)


def check_facets(request: FacetRequest) -> None:
    """Refuse counts that cannot be given.

    Raises:
        QueryError: says which part, and what it may be.
        FilterError: the filter is too large.
    """
    if request.n < 1:
        raise QueryError(detail=f"n must be at least 1, found {request.n}")
    _check_text("column", request.column, MAX_NAME)
    if request.filter is not None:
        check_filter(request.filter)


def check_many(requests: Sequence[SearchRequest], reranker: Reranker | None) -> None:
    """Refuse a list of questions of which one cannot be answered.

    Args:
        requests: the questions.
        reranker: of those that ask for it.

    Raises:
        QueryError: says which part of a question, and what it may be.
    """
    for request in requests:
        check_request(request)
        if request.like:
            raise QueryError(detail="more like a document is asked alone, not among many questions")
        if request.page is not None:
            raise QueryError(detail="pages are asked for alone, not among many questions")
        choose_reranker(request, reranker)


def _check_text(name: str, text: str, most: int) -> None:
    if len(text) > most:
        raise QueryError(detail=f"{name} has {len(text)} characters; at most {most:,} are read")
    if not is_unicode(text):
        raise QueryError(detail=f"{name}: {NO_UNICODE}")


def _check_per_document(n: int, granularity: Granularity) -> None:
    if n < 1:
        raise QueryError(detail=f"n_per_document must be at least 1, found {n}")
    if granularity is Granularity.DOCUMENT:
        raise QueryError(detail="n_per_document is for hits that are chunks: ask for chunks")


def _check_share(name: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise QueryError(detail=f"{name} must be from 0 to 1, found {value}")


def _check_floors(request: SearchRequest) -> None:
    floors = {
        "min_score": request.ranking.min_score,
        "min_dense": request.ranking.min_dense,
        "min_lexical": request.ranking.min_lexical,
    }
    for name, floor in floors.items():
        if floor is not None and not math.isfinite(floor):
            raise QueryError(detail=f"{name} must be a finite number, found {floor}")
    if request.ranking.min_relevance is not None:
        _check_share("min_relevance", request.ranking.min_relevance)
        if request.like:
            raise QueryError(detail="min_relevance is of answers to a question, not of documents like one")
    if request.ranking.min_dense is not None and request.mode is SearchMode.LEXICAL:
        raise QueryError(detail="min_dense needs vectors; the mode is lexical")
    if request.ranking.min_lexical is not None and request.mode is SearchMode.DENSE:
        raise QueryError(detail="min_lexical needs words; the mode is dense")


def _check_boosts(request: SearchRequest) -> None:
    for name, weight in (request.ranking.boosts or {}).items():
        if name not in (TextField.TITLE, TextField.HEADING):
            raise QueryError(
                detail=f"boost of {str(name)!r}: expected title or heading; the body always counts 1"
            )
        if not (math.isfinite(weight) and weight >= 0.0):
            raise QueryError(detail=f"boost of {name} must be a finite number of at least 0, found {weight}")
