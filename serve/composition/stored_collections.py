"""The collections that a process serves: where they lie, which they are, and how they are followed."""

from __future__ import annotations

from collections.abc import Callable, Container
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from eagleray.contracts.collections import Collection
from eagleray.contracts.ports import Store
from eagleray.errors import IntegrityError
from eagleray.settings import Settings
from indexes.snapshots.aliases import read_alias
from indexes.snapshots.catalog import list_collections, resolve
from indexes.storage import open_store
from serve.engine.alias_watcher import AliasWatcher
from serve.engine.collection_pool import CollectionChoice, CollectionPool, read_choice
from serve.engine.snapshot_pool import Opened, SnapshotPool

Held = TypeVar("Held")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCollections:
    """The collections of a store that a process serves by one alias.

    Attributes:
        store: where they lie.
        alias: whose snapshots answer.
        choice: which of them are served.
        poll_s: seconds between two looks at an alias.
    """

    store: Store
    alias: str
    choice: CollectionChoice
    poll_s: float

    def locate(self, name: str) -> Collection:
        """Return where the collection of a name lies."""
        return Collection(self.store, name)

    def make_pool(self, open_one: Callable[[str], AbstractAsyncContextManager[Held]]) -> CollectionPool[Held]:
        """Return a pool of them, not yet started.

        Args:
            open_one: opens one by its name.
        """
        return CollectionPool(self.choice, open_one, list_published=self._list_published)

    def watch_alias(
        self, name: str, open_engine: Callable[[str], Opened], *, probe: Callable[[Opened], object]
    ) -> AliasWatcher[Opened]:
        """Return the watcher of a collection's alias, not yet started.

        Args:
            name: of the collection.
            open_engine: id of a snapshot in, what is to be held of it out.
            probe: asks it before others may; see `AliasWatcher`.
        """
        find = partial(resolve, self.locate(name), self.alias)
        return AliasWatcher(SnapshotPool(open_engine), find, probe=probe, interval_s=self.poll_s)

    def _list_published(self, known: Container[str]) -> list[str]:
        """Return the names of those that are published; of those known to be, the ones still there."""
        found = list_collections(self.store)
        return [name for name in found if name in known or self._is_published(name)]

    def _is_published(self, name: str) -> bool:
        try:
            return read_alias(self.locate(name), self.alias) is not None
        except IntegrityError:
            return True  # opening it says what is wrong, and keeps no other from being found


def find_collections(settings: Settings, *, alias: str) -> StoredCollections:
    """Return the collections that settings let a process serve by an alias."""
    return StoredCollections(
        store=open_store(settings.store, s3=settings.s3),
        alias=alias,
        choice=read_choice(settings.collection, settings.serve.collections),
        poll_s=settings.serve.poll_s,
    )


def for_collection(settings: Settings, collection: str) -> Settings:
    """Return settings whose collection is this one."""
    return settings.model_copy(update={"collection": collection})
