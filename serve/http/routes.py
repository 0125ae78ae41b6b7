"""Routes: health, and the native search of one collection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from eagleray.contracts.answers import show_response
from eagleray.contracts.hits import SearchRequest, SearchResponse
from eagleray.contracts.principals import Principal
from eagleray.errors import EagleRayError, NotPublishedError
from serve.engine.answering import Answerer
from serve.engine.following import Follower
from serve.engine.shelf import Engine
from serve.http.bodies import SearchBody
from serve.http.problems import make_problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What routes ask.

    Attributes:
        collection: name of the one that is served.
        follower: of its alias; started.
        answerer: asks its snapshots.
        probe: the question that tells readiness.
        identify: says who asks.
    """

    collection: str
    follower: Follower
    answerer: Answerer
    probe: SearchRequest
    identify: Callable[[Request], Principal]


def make_router(serving: Serving) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.get("/health/live", tags=["health"], summary="Whether the process answers at all")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @router.get("/health/ready", tags=["health"], summary="Whether a real question is answered")
    async def ready() -> JSONResponse:
        return await _check(serving)

    @router.post("/collections/{name}/search", tags=["search"], summary="Best hits the caller may see")
    async def search(name: str, body: SearchBody, request: Request) -> dict[str, Any]:
        if name != serving.collection:
            raise NotPublishedError(name=name, detail="there is no such collection here")
        asked = body.to_request(serving.identify(request))
        response: SearchResponse = await serving.answerer.answer(
            _ask(asked), snapshot=body.snapshot or None, timeout_s=body.timeout_s
        )
        shown = show_response(response, is_explained=body.explain)
        for hit in shown["hits"]:
            hit["chunk_id"] = str(hit["chunk_id"])  # of 63 bits: more than a number of JavaScript holds
        return shown

    return router


def _ask(request: SearchRequest) -> Callable[[Engine], SearchResponse]:
    return lambda engine: engine.search(request)


async def _check(serving: Serving) -> JSONResponse:
    state = serving.follower.state
    told = {"collection": serving.collection, "snapshot": state.snapshot, "wanted": state.wanted}
    try:
        await serving.answerer.answer(_ask(serving.probe))
    except EagleRayError as error:
        return make_problem(503, "NotReadyError", str(error), **told)
    return JSONResponse({"status": "ready", **told, "error": state.error})
