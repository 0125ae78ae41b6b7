"""Routes that show collections, snapshots and aliases.

Snapshots, aliases and reports count rows whoever may read them: readers do not see them.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query

from serve.engine.threads import Work, run_in_thread
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
from serve.http.answer_models import answered
from serve.http.feature import Collections
from serve.http.serving import ServedCollection

router = APIRouter(tags=["catalog"])

Shown = dict[str, Any]
Limit = Annotated[int, Query(ge=1, le=1_000, description="How many at most.")]
Name = Annotated[str, Query(min_length=1, max_length=64, description="Alias, id, or 8 digits of an id.")]


@router.get(
    "/collections",
    summary="The served collections",
    response_model=None,
    responses=answered(CollectionsAnswer),
)
async def list_collections(caller: Inspecting, collections: Collections) -> Shown:
    """Describe each that the caller may see."""
    return {"collections": [await _describe(found) for found in collections.list_seen(caller)]}


@router.get(
    "/collections/{name}",
    summary="A collection's model, chunker and served alias",
    response_model=None,
    responses=answered(CollectionAnswer),
)
async def show_collection(name: str, caller: Inspecting, collections: Collections) -> Shown:
    """Describe it, without what depends on its rows."""
    return await _describe(collections.find(name, caller))


@router.get(
    "/collections/{name}/snapshots",
    summary="Its last snapshots, the newest first",
    response_model=None,
    responses=answered(SnapshotsAnswer),
)
async def list_snapshots(
    name: str,
    caller: Operating,
    collections: Collections,
    limit: Limit = 100,
) -> Shown:
    """List them with their sizes and aliases."""
    catalog = collections.find(name, caller).catalog
    return {"snapshots": await run_in_thread(Work.CATALOG, catalog.list_snapshots, limit=limit)}


@router.get(
    "/collections/{name}/snapshots/{snapshot}",
    summary="A snapshot's manifest, aliases and gate report",
    response_model=None,
    responses=answered(SnapshotAnswer),
)
async def show_snapshot(
    name: str,
    snapshot: str,
    caller: Operating,
    collections: Collections,
) -> Shown:
    """Show the snapshot of an id, of the first digits of one, or of an alias."""
    catalog = collections.find(name, caller).catalog
    return await run_in_thread(Work.CATALOG, catalog.show_snapshot, snapshot)


@router.get(
    "/collections/{name}/differences",
    summary="What changed between two snapshots",
    response_model=None,
    responses=answered(DifferenceAnswer),
)
async def compare_snapshots(
    name: str,
    before: Name,
    after: Name,
    caller: Operating,
    collections: Collections,
) -> Shown:
    """Compare them; both are read whole, so only one comparison or gate is at work at a time."""
    collection = collections.find(name, caller)
    return await collection.exclusive.run(partial(collection.catalog.compare, before, after))


@router.get(
    "/collections/{name}/aliases",
    summary="Where its aliases point",
    response_model=None,
    responses=answered(AliasesAnswer),
)
async def list_aliases(name: str, caller: Operating, collections: Collections) -> Shown:
    """List the last move of each."""
    catalog = collections.find(name, caller).catalog
    return {"aliases": await run_in_thread(Work.CATALOG, catalog.list_aliases)}


@router.get(
    "/collections/{name}/aliases/{alias}",
    summary="Where an alias points, and where it pointed before",
    response_model=None,
    responses=answered(AliasAnswer),
)
async def show_alias(
    name: str,
    alias: str,
    caller: Operating,
    collections: Collections,
) -> Shown:
    """Show all its moves."""
    catalog = collections.find(name, caller).catalog
    return await run_in_thread(Work.CATALOG, catalog.show_alias, alias)


async def _describe(collection: ServedCollection) -> Shown:
    told = await run_in_thread(Work.CATALOG, collection.catalog.describe)
    return {**told, "snapshot": collection.watcher.state.snapshot}
