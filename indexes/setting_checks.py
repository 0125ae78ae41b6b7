"""Whether what settings name is there and can be used, tried one by one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable

from eagleray.contracts.collections import Collection
from eagleray.embedders import describe_embedder
from eagleray.errors import EagleRayError, NotPublishedError
from eagleray.rerankers import load_reranker
from eagleray.settings import Settings
from indexes.built_embedder import recall_embedder
from indexes.engine_factory import check_model
from indexes.snapshots.aliases import list_aliases, read_alias
from indexes.snapshots.catalog import list_collections, load_collection
from indexes.storage import open_store


def check_settings(settings: Settings) -> list[dict[str, str | bool]]:
    """Return what was tried: `check`, whether it is `ok`, and a `detail` that says what was found.

    Nothing is changed; a file is made in the cache and removed again.
    """
    tried: dict[str, Callable[[Settings], str]] = {
        "store": _check_store,
        "cache": _check_cache,
        "embedder": _check_embedder,
        "reranker": _check_reranker,
        "collection": _check_collection,
    }
    return [_try(name, check, settings) for name, check in tried.items()]


def _try(name: str, check: Callable[[Settings], str], settings: Settings) -> dict[str, str | bool]:
    try:
        return {"check": name, "ok": True, "detail": check(settings)}
    except (EagleRayError, OSError) as error:
        return {"check": name, "ok": False, "detail": str(error)}


def _check_store(settings: Settings) -> str:
    store = open_store(settings.store, s3=settings.s3)
    names = list_collections(store)
    return f"{store.url}: {len(names)} collections"


def _check_cache(settings: Settings) -> str:
    folder = settings.cache_folder
    there = next(parent for parent in (folder, *folder.parents) if parent.is_dir())
    with tempfile.TemporaryFile(dir=there):
        return f"{folder} can be written"


def _check_embedder(settings: Settings) -> str:
    identity = describe_embedder(recall_embedder(settings).embedder)
    return f"{identity.name}, {identity.dim} numbers, up to {identity.max_tokens} tokens"


def _check_reranker(settings: Settings) -> str:
    if not settings.reranker.model:
        return "none is set"
    return load_reranker(settings.reranker).identity.name


def _check_collection(settings: Settings) -> str:
    collection = Collection(open_store(settings.store, s3=settings.s3), settings.collection)
    try:
        spec = load_collection(collection)
    except NotPublishedError:
        return f"{collection.name} is not built yet"
    check_model(describe_embedder(recall_embedder(settings).embedder).model, spec)
    points = ", ".join(f"{name} -> {_find_snapshot(collection, name)}" for name in list_aliases(collection))
    return f"{collection.name}, built with {spec.embedder.name}; {points or 'nothing is published'}"


def _find_snapshot(collection: Collection, alias: str) -> str:
    entry = read_alias(collection, alias)
    return "nothing" if entry is None else entry.snapshot[:12]
