"""Searches: the question and the filter, the rows that came back, how relevant, and the plan in short."""

from __future__ import annotations

from typing import Any, Final

from eagleray.contracts.hits import Explanation, Page, SearchRequest, SearchResponse
from eagleray.contracts.search_options import pick_options, read_options, show_options
from serve.audit.entries import ReplyDetails, RequestDetails, dump
from serve.audit.filters import decode_filter, encode_filter
from serve.audit.record import RecordedHit
from serve.audit.request_kinds import Replayable, RequestKind


def _describe_request(request: SearchRequest) -> RequestDetails:
    parameters = {**show_options(request), "as_of": request.as_of}
    boosts = parameters["ranking"]["boosts"]
    if boosts is not None:
        parameters["ranking"]["boosts"] = [*map(list, boosts.items())]  # in their order
    if request.ranking.min_relevance is None:  # records stay as they were before there was one
        del parameters["ranking"]["min_relevance"]
    if request.page is not None:
        parameters["page"] = [request.page.skip, request.page.n]
    expression = None if request.filter is None else encode_filter(request.filter)
    return RequestDetails(
        action="search",
        principal=request.principal,
        parameters=parameters,
        texts={"query": request.query, "like": request.like, "filter": expression},
    )


def _describe_reply(response: SearchResponse) -> ReplyDetails:
    hits = tuple(
        RecordedHit(
            chunk_id=int(hit.chunk_id),
            doc_id=hit.doc_id,
            score=float(hit.score),
            reranked=None if hit.reranked is None else float(hit.reranked),
        )
        for hit in response.hits
    )
    explanation = response.explanation
    plan = _shorten_plan(explanation)
    if response.relevant is not None:
        relevance = [None if hit.relevance is None else float(hit.relevance) for hit in response.hits]
        plan |= {"relevant": response.relevant, "relevance": relevance}
    return ReplyDetails(snapshot=explanation.snapshot, plan=dump(plan), hits=hits)


def _shorten_plan(explanation: Explanation) -> dict[str, Any]:
    """Return how an answer came about, without the words of the question."""
    segments = [
        [item.segment, str(item.plan), item.n_rows, item.n_selected, item.n_probes, item.n_candidates]
        for item in explanation.segments
    ]
    model = explanation.reranking
    return {
        "is_exact": explanation.is_exact,
        "n_visible": explanation.n_visible,
        "segments": segments,
        "reranking": None if model is None else [model.reranker, model.digest, model.n_candidates],
    }


def _read(asked: RequestDetails) -> SearchRequest:
    given, texts = asked.parameters, asked.texts
    page, boosts = given.get("page"), given["ranking"]["boosts"]
    ranking = {**given["ranking"], "boosts": None if boosts is None else dict(boosts)}
    return SearchRequest(
        query=texts["query"],
        like=texts["like"],
        filter=None if texts["filter"] is None else decode_filter(texts["filter"]),
        as_of=given["as_of"],
        page=None if page is None else Page(skip=page[0], n=page[1]),
        principal=asked.principal,
        **pick_options(read_options({**given, "ranking": ranking})),
    )


SEARCH: Final = RequestKind(
    actions=("search",),
    requests=SearchRequest,
    replies=SearchResponse,
    describe_request=_describe_request,
    describe_reply=_describe_reply,
    replay=Replayable(read=_read, answer=lambda request, engine: engine.search(request)),
)
