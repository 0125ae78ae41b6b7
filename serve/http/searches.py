"""The native search of a collection."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from eagleray.contracts.answers import show_response
from serve.http.access import Searching, Served
from serve.http.answer_models import SearchAnswer, answered
from serve.http.asking import answer_search, count_search
from serve.http.bodies import SearchBody

router = APIRouter(tags=["search"])


@router.post(
    "/collections/{name}/search",
    summary="Best hits the caller may see",
    response_model=None,
    responses=answered(SearchAnswer),
)
async def search(name: str, body: SearchBody, caller: Searching, serving: Served) -> JSONResponse:
    """Answer a question from the alias's snapshot, or the one it names."""
    collection = serving.find_collection(name)
    with count_search(serving.metrics):
        response = await answer_search(
            serving,
            collection,
            body.to_request(caller.principal),
            snapshot=body.snapshot,
            timeout_s=body.timeout_s,
        )
    shown = show_response(response, is_explained=body.explain)
    for hit in shown["hits"]:
        hit["chunk_id"] = str(hit["chunk_id"])  # of 63 bits: more than a number of JavaScript holds
    return JSONResponse(shown)
