"""Responses that were kept: shown again and deleted by the caller they were made for.

Source: OpenAI's API reference, `GET` and `DELETE /v1/responses/{response_id}`.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from eagleray.errors import InputError
from serve.audit.kinds.stored_files import FileUse
from serve.http.access import Asking
from serve.http.answer_models import ResponseAnswer, answered
from serve.http.native.cited_answers import AskingParts
from serve.http.openai.kept_responses import ResponseKeeper, find_kept
from serve.http.openai.owned_records import Site, record_use, run_own
from serve.http.openai.upload_answers import DeletedResponseAnswer, show_deleted
from serve.http.uncancellable_route import UncancellableRoute
from serve.uploads.records import tell_missing

PATH = "/v1/responses/{response_id}"

router = APIRouter(tags=["openai"], route_class=UncancellableRoute)


@router.get(PATH, summary="A response that was kept", response_model=None, responses=answered(ResponseAnswer))
async def retrieve_response(
    response_id: str, caller: Asking, parts: AskingParts, uploads: Site, *, stream: bool = False
) -> JSONResponse:
    """Show it as it was answered; one that shows what its caller may not see now is there no more."""
    if stream:
        raise InputError(detail="stream is not served here; leave it out", param="stream")
    kept = await find_kept(response_id, caller, parts.collections, uploads)
    parameters = {"response": response_id, "rows": kept.list_rows()}
    use = FileUse(action="read_response", principal=caller.principal, parameters=parameters)
    async with record_use(kept.site.collection.recorder, use):
        shown = kept.read()
    return JSONResponse(shown, headers={"cache-control": "no-store"})


@router.delete(
    PATH,
    summary="Delete a response that was kept",
    response_model=None,
    responses=answered(DeletedResponseAnswer),
)
async def delete_response(response_id: str, caller: Asking, parts: AskingParts) -> dict[str, Any]:
    """Remove it; responses that went on from it stay."""
    keeper, keeping = ResponseKeeper.open(caller, parts.collections), parts.collections.default
    if keeper is None or keeping is None:
        raise tell_missing(response_id)
    parameters = {"response": response_id[:64]}
    use = FileUse(action="delete_response", principal=caller.principal, parameters=parameters)
    async with record_use(keeping.recorder, use):
        await run_own(keeper.own.responses.delete, response_id)
    return show_deleted(response_id, "response")
