"""The application: routes of features, errors, and what stands before them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from eagleray.errors import InputError
from serve.http.errors.problems import install
from serve.http.feature import GIVEN, Feature
from serve.http.middleware.admission import Admission
from serve.http.middleware.answer_limit import AnswerLimit
from serve.http.middleware.body_limit import BodyLimit
from serve.http.middleware.body_room import BodyRoom
from serve.http.middleware.observed_requests import Measured, Traced
from serve.http.openapi import publish_description
from serve.http.request_ids import RequestIds
from serve.http.serving import Server


async def open_app(stack: AsyncExitStack, server: Server, features: Sequence[Feature[Any]]) -> ASGIApp:
    """Open features, and return their application; the end of its lifespan closes a stack.

    Args:
        stack: closes what is opened, and what was opened before.
        server: what features choose from.
        features: what is served.

    Raises:
        InputError: two features give the same.
        EagleRayError: one cannot be opened.
    """
    given: dict[type[Any], Any] = {}
    for feature in features:
        if feature.parts in given:
            name = feature.parts.__name__
            raise InputError(detail=f"two features give {name}; a feature needs a class of parts of its own")
        given[feature.parts] = await stack.enter_async_context(feature.open(server))

    @asynccontextmanager
    async def live(_: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await stack.aclose()

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
    setattr(app.state, GIVEN, given)
    app.state.authenticate, app.state.uncancellable = server.authenticate, server.uncancellable
    long_bodies: dict[str, int] = {}
    for feature in features:
        long_bodies |= feature.long_bodies
        for router in feature.routers:
            app.router.routes.extend(router.routes)  # as they are: `include_router` makes each anew
    publish_description(app, path="/openapi.json", page="/docs")
    app.add_middleware(BodyLimit, room=BodyRoom(server.max_body_bytes), longer=long_bodies)
    app.add_middleware(AnswerLimit, room=BodyRoom(server.max_body_bytes, is_first_free=True))
    app.add_middleware(
        Admission,
        authenticate=server.authenticate,
        quota=server.quotas.requests,
        collections=server.collections,
        routes=app.routes,
    )
    measured = Measured(app, metrics=server.metrics, routes=app.routes)
    return RequestIds(Traced(measured, routes=app.routes))
