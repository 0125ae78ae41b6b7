"""The collection that a route's path names, as its caller may see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ParamSpec, TypeVar

from fastapi import Depends, Query, Request

from eagleray.contracts.callers import Caller
from serve.catalog import Catalog
from serve.engine.threads import Work, run_in_thread
from serve.http.access import CALLER
from serve.http.feature import Collections
from serve.http.serving import ServedCollection

_Given = ParamSpec("_Given")
_Found = TypeVar("_Found")

Shown = dict[str, Any]
Limit = Annotated[int, Query(ge=1, le=1_000, description="How many at most.")]


async def _find_named(name: str, request: Request, collections: Collections) -> ServedCollection:
    caller: Caller = request.scope[CALLER]
    return collections.find(name, caller)


Named = Annotated[ServedCollection, Depends(_find_named)]
"""What a route is given that its path names; a collection that is not there for its caller is 404."""


async def _find_catalog(collection: Named) -> Catalog:
    return collection.administration.catalog


NamedCatalog = Annotated[Catalog, Depends(_find_catalog)]
"""The same, where a route only tells of snapshots, aliases and runs."""


async def read_store(ask: Callable[_Given, _Found], *given: _Given.args, **named: _Given.kwargs) -> _Found:
    """Return what a method of a catalog returns; it reads the store, and runs in a thread."""
    return await run_in_thread(Work.CATALOG, ask, *given, **named)
