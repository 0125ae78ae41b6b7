"""Routes: health, metrics, and the native search of one collection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from eagleray.contracts.answers import show_response
from eagleray.contracts.callers import Action, Caller
from eagleray.contracts.hits import SearchRequest, SearchResponse
from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.errors import EagleRayError, ForbiddenError, NotPublishedError
from eagleray.settings import MetricsReaders
from serve.engine.answering import Answerer
from serve.engine.encoding import Encoder
from serve.engine.following import Follower
from serve.engine.shelf import Engine
from serve.http.bodies import SearchBody
from serve.http.metrics import MEDIA_TYPE, Metrics
from serve.http.problems import find_status, make_problem
from serve.http.request_ids import read_request_id

_BEARER: Final = HTTPBearer(auto_error=False, description="An API key or a token.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A search that has ended.

    Attributes:
        outcome: the answer, or why there is none.
        snapshot: id of the one that was asked, where it was named.
        latency_us: microseconds from question to answer.
        request_id: name of the request.
    """

    request: SearchRequest
    outcome: SearchResponse | Exception
    snapshot: str
    latency_us: int
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """The embedding model that is served.

    Attributes:
        identity: its name, dimension and the tokens it reads.
        encoder: embeds texts with it.
        created_at: seconds since the epoch, when it began to be served.
    """

    identity: EmbedderIdentity
    encoder: Encoder
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What routes ask.

    Attributes:
        collection: name of the one that is served.
        follower: of its alias; started.
        answerer: asks its snapshots.
        model: embeds texts for those who ask for vectors.
        probe: the question that tells readiness.
        authenticate: says who shows a credential, the empty one too; called in a thread.
        record: keeps what was asked and how it ended, before the answer is given; called in a thread.
        metrics: of this application alone.
        metrics_for: who may read them.
    """

    collection: str
    follower: Follower
    answerer: Answerer
    model: ServedModel
    probe: SearchRequest
    authenticate: Callable[[str], Caller]
    record: Callable[[Ended], None]
    metrics: Metrics
    metrics_for: MetricsReaders = "callers"


class _Require:
    """Finds the caller of a request, and refuses one without a role for an action."""

    def __init__(self, action: Action) -> None:
        self._action = action

    async def __call__(
        self,
        request: Request,
        shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    ) -> Caller:
        """Return who asks."""
        credential = "" if shown is None else shown.credentials
        caller = await asyncio.to_thread(_find_serving(request).authenticate, credential)
        if not caller.may(self._action):
            raise ForbiddenError(action=str(self._action))
        return caller


def _find_serving(request: Request) -> Serving:
    serving: Serving = request.app.state.serving
    return serving


_require_inspecting: Final = _Require(Action.INSPECT)


async def _check_metrics_reader(
    request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> None:
    """Refuse who may not read the metrics."""
    readers = _find_serving(request).metrics_for
    if readers == "off":
        raise HTTPException(404)
    if readers == "callers":
        await _require_inspecting(request, shown)


Served = Annotated[Serving, Depends(_find_serving)]
Searching = Annotated[Caller, Depends(_Require(Action.SEARCH))]
Inspecting = Annotated[Caller, Depends(_Require(Action.INSPECT))]

router = APIRouter()


@router.get("/health/live", tags=["health"], summary="Whether the process answers at all")
async def live() -> dict[str, str]:
    """Answer."""
    return {"status": "live"}


@router.get("/health/ready", tags=["health"], summary="Whether a real question is answered")
async def ready(serving: Served) -> JSONResponse:
    """Ask a question; tell the snapshot that answers, and where the alias points."""
    state = serving.follower.state
    told: dict[str, Any] = {"snapshot": state.snapshot, "wanted": state.wanted}
    try:
        await serving.answerer.answer(_ask(serving.probe))
    except EagleRayError as error:
        return make_problem(503, "NotReadyError", f"no answer: {type(error).__name__}", **told)
    return JSONResponse({"status": "ready", **told, "is_failing": bool(state.error)})


@router.get(
    "/metrics",
    tags=["operations"],
    summary="Numbers of this process, in Prometheus's text format",
    dependencies=[Depends(_check_metrics_reader)],
    response_class=PlainTextResponse,
)
async def metrics(serving: Served) -> Response:
    """Show the metrics."""
    return Response(serving.metrics.show(), media_type=MEDIA_TYPE)


@router.post("/collections/{name}/search", tags=["search"], summary="Best hits the caller may see")
async def search(name: str, body: SearchBody, caller: Searching, serving: Served) -> dict[str, Any]:
    """Answer a question from the alias's snapshot, or the one it names."""
    if name != serving.collection:
        raise NotPublishedError(name=name, detail="there is no such collection here")
    try:
        response = await _answer(serving, body, body.to_request(caller.principal))
    except Exception as error:
        serving.metrics.count_search(find_status(error))
        raise
    serving.metrics.count_search(200)
    shown = show_response(response, is_explained=body.explain)
    for hit in shown["hits"]:
        hit["chunk_id"] = str(hit["chunk_id"])  # of 63 bits: more than a number of JavaScript holds
    return shown


async def _answer(serving: Serving, body: SearchBody, request: SearchRequest) -> SearchResponse:
    """Return the answer, once it stands in the audit log; what ends without one stands there, too."""
    started = time.perf_counter_ns()

    async def record(outcome: SearchResponse | Exception) -> None:
        latency_us = (time.perf_counter_ns() - started) // 1_000
        ended = Ended(
            request=request,
            outcome=outcome,
            snapshot=body.snapshot,
            latency_us=latency_us,
            request_id=read_request_id(),
        )
        await asyncio.to_thread(serving.record, ended)

    try:
        response = await serving.answerer.answer(
            _ask(request), snapshot=body.snapshot or None, timeout_s=body.timeout_s
        )
    except Exception as error:
        await record(error)
        raise
    await record(response)
    return response


def _ask(request: SearchRequest) -> Callable[[Engine], SearchResponse]:
    return lambda engine: engine.search(request)
