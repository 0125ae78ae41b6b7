"""Routes for those who run the process: whether it lives, whether it answers, and its metrics."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from eagleray.errors import EagleRayError
from eagleray.setting_groups.serving import MetricsReaders
from serve.http.access import Inspector, Served, require_inspecting
from serve.http.answer_models import LiveAnswer, ReadyAnswer, answered
from serve.http.errors.problems import make_problem
from serve.http.metrics import MEDIA_TYPE

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
async def ready(serving: Served, inspector: Inspector) -> JSONResponse:
    """Ask a question; tell those with a role the snapshot that answers, too, and where the alias points."""
    state = serving.collection.watcher.state
    told: dict[str, Any] = {}
    if inspector is not None:
        told = {"snapshot": state.snapshot, "wanted": state.wanted, "is_failing": bool(state.error)}
    try:
        await serving.checks.ask("ready", lambda: serving.collection.searches.answer(serving.probe))
    except EagleRayError as error:
        return make_problem(503, "NotReadyError", f"no answer: {type(error).__name__}", **told)
    return JSONResponse({"status": "ready", **told})


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


async def _show_metrics(serving: Served) -> Response:
    """Show the metrics."""
    return Response(serving.metrics.show(), media_type=MEDIA_TYPE)
