"""Opens the snapshots of one collection, and makes search engines over them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eagleray.contracts.asked_snapshots import AskedSnapshot, ask_own
from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import CollectionSpec, ModelIdentity
from eagleray.contracts.ports import Embedder
from eagleray.embedders import name_model
from eagleray.errors import InputError
from eagleray.logs import get_logger
from eagleray.rerankers import open_reranker
from eagleray.setting_groups.engine import RerankerSettings, SearchSettings
from eagleray.settings import Settings
from indexes.searching.searcher import Searcher
from indexes.segments.on_device import bring_to_device
from indexes.snapshots.aliases import alias_history, find_standing, is_alias_name
from indexes.snapshots.entitling import Entitler
from indexes.snapshots.opened import OpenSnapshot, open_snapshot
from indexes.storage import open_store

_ALIAS: Final = "live"
"""Alias whose newest snapshot rules others that are opened by their ids."""

_log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFactory:
    """Opens what searches a collection.

    Attributes:
        cache: folder for copies of segments of remote stores.
        search: threads and device of each search.
        reranker: that scores the best candidates again.
    """

    collection: Collection
    cache: Path
    search: SearchSettings
    reranker: RerankerSettings

    def open_snapshot(self, name: str) -> OpenSnapshot:
        """Return the opened snapshot of an alias, an id or the beginning of an id.

        Raises:
            NotPublishedError: there is no such collection, alias or snapshot.
            IntegrityError: something the snapshot needs is damaged.
        """
        started = time.monotonic()
        opened = open_snapshot(self.collection, name, cache=self.cache)
        _log.info(
            "snapshot_opened",
            collection=self.collection.name,
            snapshot=opened.snapshot_id,
            n_segments=len(opened.segments),
            n_rows=opened.n_rows,
            elapsed_s=round(time.monotonic() - started, 3),
        )
        return opened

    def open_searcher(self, name: str, *, embedder: Embedder) -> Searcher:
        """Return the engine over a snapshot.

        Args:
            name: alias, id, or the beginning of an id.
            embedder: of questions.

        Raises:
            NotPublishedError: there is no such collection, alias or snapshot.
            IntegrityError: something the snapshot needs is damaged.
            InputError: the collection was embedded with another model, or its vectors do not fit the GPU.
        """
        return self.make_searcher(self.open_snapshot(name), embedder=embedder)

    def make_searcher(self, opened: OpenSnapshot, *, embedder: Embedder) -> Searcher:
        """Return the engine over an opened snapshot.

        Args:
            opened: the snapshot.
            embedder: of questions.

        Raises:
            InputError: the collection was embedded with another model, or its vectors do not fit the GPU.
        """
        check_model(embedder.identity.model, opened.manifest.collection)
        views = bring_to_device(opened.segments, self.search.device)
        entitler = Entitler(self.collection.store, opened.manifest, views, cache=self.cache)
        searcher = Searcher(
            opened.snapshot_id,
            views,
            embedder=embedder,
            fitted=opened.manifest.fitted,
            reranker=open_reranker(self.reranker),
            n_threads=self.search.threads,
        )
        return searcher.entitle_by(entitler.entitle)

    def ask(self, name: str, snapshot: str) -> AskedSnapshot:
        """Return a snapshot as it is asked: an alias by its own state, any other by that of `live`.

        Args:
            name: that the snapshot was opened by.
            snapshot: its id.
        """
        standing: list[str] = []
        if not is_alias_name(name):
            standing = find_standing(alias_history(self.collection, _ALIAS))
        if not standing:
            return ask_own(snapshot)
        return AskedSnapshot(snapshot=snapshot, entitled_by=standing[-1], is_published=snapshot in standing)


def make_engine_factory(settings: Settings) -> EngineFactory:
    """Return what opens the collection that these settings name."""
    return EngineFactory(
        collection=Collection(open_store(settings.store, s3=settings.s3), settings.collection),
        cache=settings.cache_folder,
        search=settings.search,
        reranker=settings.reranker,
    )


def check_model(model: ModelIdentity, spec: CollectionSpec) -> None:
    """Refuse a model whose vectors mean something else than the collection's.

    Raises:
        InputError: the collection was embedded with another model.
    """
    wanted = spec.embedder
    if wanted != model:
        name = name_model(wanted)
        advice = f"or leave it out for {name}" if name else f"the folder of {wanted.name}"
        detail = (
            f"collection {spec.name} was embedded with {wanted.name}, the settings name {model.name}; "
            f"set EAGLERAY_EMBEDDER__MODEL to the same model, {advice}"
        )
        raise InputError(detail=detail)
