"""The application: routes, errors, and what stands before them, around one collection's engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI
from starlette.types import ASGIApp

from serve.http.admin import catalog, operations, publishing, runs
from serve.http.errors.problems import install
from serve.http.middleware.admission import Admission
from serve.http.middleware.answer_limit import AnswerLimit
from serve.http.middleware.body_limit import BodyLimit
from serve.http.middleware.body_room import BodyRoom
from serve.http.middleware.request_metrics import Measured
from serve.http.middleware.request_spans import Traced
from serve.http.native import documents, facets, searches, shown_documents
from serve.http.openai import embeddings, files, vector_store_files, vector_store_search, vector_stores
from serve.http.openai.upload_sweep import end_sweeping, start_sweeping
from serve.http.openapi import publish_description
from serve.http.request_ids import RequestIds
from serve.http.rerank import rerankings
from serve.http.serving import Serving
from serve.http.tei import embeddings as tei_embeddings

ROUTERS: Final = (
    operations.router,
    searches.router,
    facets.router,
    shown_documents.router,
    documents.router,
    catalog.router,
    publishing.router,
    runs.router,
    embeddings.router,
    tei_embeddings.router,
    rerankings.router,
    files.router,
    vector_stores.router,
    vector_store_files.router,
    vector_store_search.router,
)

LONG_BODIES: Final = {
    **dict.fromkeys((embeddings.PATH, "/", "/embed", "/tokenize", *rerankings.PATHS), 8 << 20),
    files.PATH: files.MAX_BYTES + (64 << 10),
}
"""Bytes of a body where it may be longer: many texts come at once there, or a file with its form."""


def make_app(
    serving: Serving, *, start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]]
) -> ASGIApp:
    """Return the application.

    Args:
        serving: what its routes ask.
        start: awaited before the first request.
        stop: awaited after the last one.
    """

    @asynccontextmanager
    async def live(_: FastAPI) -> AsyncIterator[None]:
        await start()
        sweeping = start_sweeping(serving)
        try:
            yield
        finally:
            await end_sweeping(sweeping)
            await stop()

    app = FastAPI(
        title="eagleray",
        version=version("eagleray"),
        lifespan=live,
        openapi_url=None,  # its route makes the bytes anew for each request, in the event loop
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # it would name the host and the scheme that a request claims
    )
    install(app)
    app.state.serving = serving
    for router in (*ROUTERS, operations.make_metrics_router(serving.metrics_for)):
        app.include_router(router)
    publish_description(app, path="/openapi.json")
    app.add_middleware(BodyLimit, room=BodyRoom(serving.max_body_bytes), longer=LONG_BODIES)
    app.add_middleware(AnswerLimit, room=BodyRoom(serving.max_body_bytes, is_first_free=True))
    app.add_middleware(Admission, serving=serving, routes=app.routes)
    measured = Measured(app, metrics=serving.metrics, routes=app.routes)
    return RequestIds(Traced(measured, routes=app.routes))
