"""Whether what settings name is there and can be used, tried one by one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cached_property

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.ports import Store
from eagleray.embedders import describe_embedder
from eagleray.errors import EagleRayError, NotPublishedError
from eagleray.rerankers import load_reranker
from eagleray.settings import Settings
from indexes.built_embedder import recall_embedder
from indexes.engine_factory import check_model
from indexes.snapshots.aliases import list_aliases, read_alias
from indexes.snapshots.catalog import list_collections, load_collection
from indexes.storage import open_store

Shown = dict[str, str | bool]


class SettingChecks:
    """Tries what settings name; nothing is changed, but a file is made in the cache and removed again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def run(self) -> list[Shown]:
        """Return what was tried: `check`, whether it is `ok`, and a `detail` that says what was found."""
        return [
            _try("store", self._check_store),
            _try("cache", self._check_cache),
            _try("embedder", self._check_embedder),
            _try("reranker", self._check_reranker),
            _try("collection", self._check_collection),
        ]

    @cached_property
    def _store(self) -> Store:
        return open_store(self._settings.store, s3=self._settings.s3)

    @cached_property
    def _embedder(self) -> EmbedderIdentity:
        return describe_embedder(recall_embedder(self._settings).embedder)

    def _check_store(self) -> str:
        return f"{self._store.url}: {len(list_collections(self._store))} collections"

    def _check_cache(self) -> str:
        folder = self._settings.cache_folder
        there = next(parent for parent in (folder, *folder.parents) if parent.is_dir())
        with tempfile.TemporaryFile(dir=there):
            return f"{folder} can be written"

    def _check_embedder(self) -> str:
        found = self._embedder
        return f"{found.name}, {found.dim} numbers, up to {found.max_tokens} tokens"

    def _check_reranker(self) -> str:
        reranker = self._settings.reranker
        return load_reranker(reranker).identity.name if reranker.model else "none is set"

    def _check_collection(self) -> str:
        collection = Collection(self._store, self._settings.collection)
        try:
            spec = load_collection(collection)
        except NotPublishedError:
            return f"{collection.name} is not built yet"
        check_model(self._embedder.model, spec)
        entries = {name: read_alias(collection, name) for name in list_aliases(collection)}
        points = ", ".join(f"{name} -> {entry.snapshot[:12]}" for name, entry in entries.items() if entry)
        return f"{collection.name}, built with {spec.embedder.name}; {points or 'nothing is published'}"


def _try(name: str, check: Callable[[], str]) -> Shown:
    try:
        return {"check": name, "ok": True, "detail": check()}
    except (EagleRayError, OSError) as error:
        return {"check": name, "ok": False, "detail": str(error)}
