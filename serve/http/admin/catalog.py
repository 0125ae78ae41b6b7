"""Routes that show collections, snapshots and aliases.

Snapshots, aliases and reports count all rows, hidden ones too: readers do not see them.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query

from eagleray.errors import NotPublishedError
from serve.http.access import Inspecting, Operating
from serve.http.admin.catalog_answers import (
    AliasAnswer,
    AliasesAnswer,
    CollectionAnswer,
    CollectionsAnswer,
    DifferenceAnswer,
    SnapshotAnswer,
    SnapshotsAnswer,
)
from serve.http.admin.named_collections import Limit, Named, NamedCatalog, Shown, read_store
from serve.http.answer_models import answered
from serve.http.feature import Collections
from serve.http.serving import ServedCollection

router = APIRouter(tags=["catalog"])

Name = Annotated[str, Query(min_length=1, max_length=64, description="Alias, id, or 8 digits of an id.")]


@router.get(
    "/collections",
    summary="The served collections",
    response_model=None,
    responses=answered(CollectionsAnswer),
)
async def list_collections(caller: Inspecting, collections: Collections) -> Shown:
    """Describe each that the caller may see."""
    shown: list[Shown] = []
    for found in collections.list_seen(caller):
        with suppress(NotPublishedError):  # removed from the store meanwhile
            shown.append(await _describe(found))
    return {"collections": shown}


@router.get(
    "/collections/{name}",
    summary="A collection's model, chunker and served alias",
    response_model=None,
    responses=answered(CollectionAnswer),
)
async def show_collection(_: Inspecting, collection: Named) -> Shown:
    """Describe it, without what depends on its rows."""
    return await _describe(collection)


@router.get(
    "/collections/{name}/snapshots",
    summary="Its last snapshots, the newest first",
    response_model=None,
    responses=answered(SnapshotsAnswer),
)
async def list_snapshots(_: Operating, catalog: NamedCatalog, limit: Limit = 100) -> Shown:
    """List them with their sizes and aliases."""
    return {"snapshots": await read_store(catalog.list_snapshots, limit=limit)}


@router.get(
    "/collections/{name}/snapshots/{snapshot}",
    summary="A snapshot's manifest, aliases and gate report",
    response_model=None,
    responses=answered(SnapshotAnswer),
)
async def show_snapshot(snapshot: str, _: Operating, catalog: NamedCatalog) -> Shown:
    """Show the snapshot of an id, of the first digits of one, or of an alias."""
    return await read_store(catalog.show_snapshot, snapshot)


@router.get(
    "/collections/{name}/differences",
    summary="What changed between two snapshots",
    response_model=None,
    responses=answered(DifferenceAnswer),
)
async def compare_snapshots(before: Name, after: Name, _: Operating, collection: Named) -> Shown:
    """Compare them; both are read whole, so only one comparison or gate is at work at a time."""
    administration = collection.administration
    return await administration.exclusive.run(partial(administration.catalog.compare, before, after))


@router.get(
    "/collections/{name}/aliases",
    summary="Where its aliases point",
    response_model=None,
    responses=answered(AliasesAnswer),
)
async def list_aliases(_: Operating, catalog: NamedCatalog) -> Shown:
    """List the last move of each."""
    return {"aliases": await read_store(catalog.list_aliases)}


@router.get(
    "/collections/{name}/aliases/{alias}",
    summary="Where an alias points, and where it pointed before",
    response_model=None,
    responses=answered(AliasAnswer),
)
async def show_alias(alias: str, _: Operating, catalog: NamedCatalog) -> Shown:
    """Show all its moves."""
    return await read_store(catalog.show_alias, alias)


async def _describe(collection: ServedCollection) -> Shown:
    told = await read_store(collection.administration.catalog.describe)
    return {**told, "snapshot": collection.watcher.state.snapshot}
