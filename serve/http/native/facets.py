"""The native counts of a column's values."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from eagleray.contracts.answers import show_counts
from serve.engine.questions import CountValues
from serve.http.access import Searching
from serve.http.answer_models import FacetsAnswer, answered
from serve.http.audited_read import count_asked, read_audited
from serve.http.metrics import AskedKind
from serve.http.native.search_bodies import FacetsBody
from serve.http.native.searches import Asking

router = APIRouter(tags=["search"])


@router.post(
    "/collections/{name}/facets",
    summary="Commonest values of a column among what the caller may see",
    response_model=None,
    responses=answered(FacetsAnswer),
)
async def count_values(name: str, body: FacetsBody, caller: Searching, parts: Asking) -> JSONResponse:
    """Count documents by a column's values on the alias's snapshot, or the one that is named."""
    collection = parts.collections.find(name, caller)
    with count_asked(parts.metrics, AskedKind.FACETS):
        request = body.to_request(caller.principal)
        ask, timeout_s = CountValues(request), body.timeout_s
        counts = await read_audited(
            collection,
            caller,
            request,
            lambda named: collection.answerer.answer(ask, snapshot=named, timeout_s=timeout_s),
            snapshot=body.snapshot,
        )
    return JSONResponse(show_counts(counts))
