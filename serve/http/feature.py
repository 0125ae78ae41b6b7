"""A feature: one part of a server, with its routes, what they are given, and what ends with the server.

A route names what it is given by its class, so it sees what its feature needs and no more:

    Counting = Annotated[CountParts, given(CountParts)]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Generic, TypeVar

from fastapi import APIRouter, Depends, Request

from serve.audit.request_kinds import RequestKind
from serve.http.serving import ServedCollections, Server

Parts = TypeVar("Parts")

GIVEN: Final = "eagleray_given"
"""Where the state of an application holds class -> what routes are given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature(Generic[Parts]):
    """One part of a server; it is listed once, in `serve.composition.features`, or named by settings.

    Attributes:
        routers: its routes.
        parts: class of what they are given.
        open: makes that of the server, before the first request; it ends after the last one.
        long_bodies: path -> bytes of a body, where it may be longer than others.
        kinds: of requests that it records, beside those that every log knows (`serve.audit.kinds`).
    """

    routers: tuple[APIRouter, ...]
    parts: type[Parts]
    open: Callable[[Server], AbstractAsyncContextManager[Parts]]
    long_bodies: Mapping[str, int] = field(default_factory=dict)
    kinds: tuple[RequestKind[Any, Any], ...] = ()


def made_by(make: Callable[[Server], Parts]) -> Callable[[Server], AbstractAsyncContextManager[Parts]]:
    """Return what opens the parts of a feature that has nothing to end."""
    return lambda server: nullcontext(make(server))


def given(kind: type[Parts]) -> Any:
    """Return the dependency of a route on what its feature gives, for `Annotated`."""

    async def find(request: Request) -> Parts:  # awaited, for FastAPI sends what is not to a thread
        found: Parts = getattr(request.app.state, GIVEN)[kind]
        return found

    return Depends(find)


Collections = Annotated[ServedCollections, given(ServedCollections)]
"""What a route is given that asks no more than collections."""
