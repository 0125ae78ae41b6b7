"""One replica that writes the documents of many callers together, whichever ingress they came to."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from eagleray.embedders import open_embedder
from eagleray.errors import EagleRayError
from indexes.writing.requests import Write
from serve.composition.collections import choose_collections, for_collection
from serve.composition.document_writer import make_group, open_writable
from serve.deployments.arguments import Arguments
from serve.deployments.calling import returned
from serve.deployments.replica import Replica
from serve.engine.collection_pool import CollectionPool
from serve.engine.group_writing import GroupWriter
from serve.engine.threads import Work, run_in_thread
from serve.tracing.spans import Carrier


class CollectionWriter(Replica):
    """Carries out requests that come from other processes, beside others that do."""

    def __init__(self, arguments: Arguments) -> None:
        settings = arguments.read_settings()
        super().__init__(settings)
        os.nice(settings.serve.write_niceness)  # the process is this replica's alone
        self._settings, self._alias = settings, arguments.alias
        self._embedder = open_embedder(settings.embedder)
        self._groups = CollectionPool(choose_collections(settings), self._open, list_published=tuple)

    async def check_health(self) -> None:
        """Embed a text, which every write takes; what the store or the alias lacks is no illness of its own.

        Raises:
            EagleRayError: it cannot.
        """
        await run_in_thread(Work.TEXTS, self._embedder.embed_passages, ["ready"])

    async def write(
        self, collection: str, write: Write, timeout_s: float, carrier: Carrier
    ) -> str | EagleRayError:
        """Return the id of the first snapshot that holds what the request asks for, or the error."""
        return await returned(self._write(collection, write, timeout_s), carrier)

    async def _write(self, collection: str, write: Write, timeout_s: float) -> str:
        group = await self._groups.obtain(collection)
        return await group.write(write, timeout_s=timeout_s)

    @asynccontextmanager
    async def _open(self, collection: str) -> AsyncIterator[GroupWriter]:
        settings = for_collection(self._settings, collection)
        yield make_group(
            await run_in_thread(
                Work.WRITES, open_writable, settings, alias=self._alias, embedder=self._embedder
            )
        )
