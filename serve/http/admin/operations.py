"""Routes for those who run the process: whether it lives, whether it answers, and its metrics."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from eagleray.contracts.callers import Action, Caller
from eagleray.contracts.hits import SearchRequest
from eagleray.errors import EagleRayError, NotPublishedError
from eagleray.setting_groups.serving import MetricsReaders
from serve.engine.alias_watcher import AliasState
from serve.engine.coalescing import CoalescedCalls
from serve.http.access import CALLER, Inspector, require_inspecting
from serve.http.answer_models import LiveAnswer, ReadyAnswer, answered
from serve.http.errors.problems import make_problem
from serve.http.feature import given
from serve.http.metrics import MEDIA_TYPE, Metrics
from serve.http.serving import ServedCollections, Server


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthParts:
    """What tells health: collections, and the question that each is asked."""

    collections: ServedCollections
    probe: SearchRequest
    checks: CoalescedCalls

    async def ask_all(self) -> None:
        """Ask every collection the question.

        Raises:
            EagleRayError: one does not answer, or there is none.
        """
        served = self.collections.list_all()
        if not served:
            raise NotPublishedError(name="collections", detail="none is published")
        for collection in served:
            with suppress(NotPublishedError):  # removed meanwhile
                await collection.searches.answer(self.probe)


def choose_parts(server: Server) -> HealthParts:
    """Return what these routes are given of a server."""
    return HealthParts(collections=server.collections, probe=server.probe, checks=server.checks)


Health = Annotated[HealthParts, given(HealthParts)]

router = APIRouter()


@router.get(
    "/health/live",
    tags=["health"],
    summary="Whether the process answers at all",
    responses=answered(LiveAnswer),
)
async def live() -> dict[str, str]:
    """Answer."""
    return {"status": "live"}


@router.get(
    "/health/ready",
    tags=["health"],
    summary="Whether a real question is answered",
    responses=answered(ReadyAnswer),
)
async def ready(parts: Health, inspector: Inspector) -> JSONResponse:
    """Ask a question of each collection; tell those with a role where those that they may see stand, too."""
    told: dict[str, Any] = {}
    if inspector is not None:
        told = _show_state([(one.name, one.watcher.state) for one in parts.collections.list_seen(inspector)])
    try:
        await parts.checks.ask("ready", parts.ask_all)
    except EagleRayError as error:
        return make_problem(503, "NotReadyError", f"no answer: {type(error).__name__}", **told)
    return JSONResponse({"status": "ready", **told})


def _show_state(states: Sequence[tuple[str, AliasState]]) -> dict[str, Any]:
    """Return where each collection stands with its alias, and where the first of them does."""
    shown = [
        {
            "name": name,
            "snapshot": state.snapshot,
            "wanted": state.wanted,
            "is_failing": bool(state.error),
        }
        for name, state in states
    ]
    first = {key: value for key, value in shown[0].items() if key != "name"} if shown else {}
    return {**first, "collections": shown}


def make_metrics_router(readers: MetricsReaders) -> APIRouter:
    """Return the route of the metrics for those who may read them; without one where nobody may."""
    made = APIRouter()
    if readers != "off":
        made.add_api_route(
            "/metrics",
            _show_metrics,
            tags=["operations"],
            summary="Numbers of this process, in Prometheus's text format",
            dependencies=[Depends(require_inspecting)] if readers == "callers" else [],
            response_class=PlainTextResponse,
        )
    return made


async def _show_metrics(request: Request, metrics: Annotated[Metrics, given(Metrics)]) -> Response:
    """Show the metrics; to a caller who may not see every collection, where those stand that they may see."""
    caller: Caller | None = request.scope.get(CALLER)
    is_bound = caller is not None and caller.collections is not None
    content = await metrics.show(
        caller.may_see if caller and is_bound else None,
        tells_rows=caller is None or caller.may(Action.OPERATE),
    )
    return Response(content, media_type=MEDIA_TYPE)
