"""One replica that writes the documents of many callers together, whichever ingress they came to."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from eagleray.errors import EagleRayError
from indexes.writing.committing import commit
from indexes.writing.requests import Write
from serve.composition.document_writer import open_writable
from serve.composition.models import Models
from serve.composition.stored_collections import find_collections
from serve.deployments.arguments import Arguments
from serve.deployments.calling import returned
from serve.deployments.replica import Replica
from serve.engine.group_writing import GroupWriter
from serve.engine.queue_states import Queue, QueueState, read_queue
from serve.engine.threads import Work, run_in_thread
from serve.tracing.spans import Carrier


class CollectionWriter(Replica):
    """Carries out requests that come from other processes, beside others that do."""

    def __init__(self, arguments: Arguments) -> None:
        settings = arguments.read_settings()
        super().__init__(settings.tracing)
        os.nice(settings.serve.write_niceness)  # the process is this replica's alone
        self._stored, self._cache = find_collections(settings, alias=arguments.alias), settings.cache_folder
        self._models = Models(settings)
        self._embed = self._models.embedder.embed_passages
        self._groups = self._stored.make_pool(self._open)
        self._groups.start_empty()

    async def check_health(self) -> None:
        """Embed a text, which every write takes; what the store or the alias lacks is no illness of its own.

        Raises:
            EagleRayError: it cannot.
        """
        await run_in_thread(Work.TEXTS, self._embed, ["ready"])

    async def write(
        self, collection: str, write: Write, timeout_s: float, carrier: Carrier
    ) -> str | EagleRayError:
        """Return the id of the first snapshot that holds what the request asks for, or the error."""
        return await returned(self._write(collection, write, timeout_s), carrier)

    async def read_queues(self) -> tuple[QueueState, ...]:
        """Return what waits to be written by this replica, of all collections."""
        return (read_queue(Queue.WRITING, *self._groups.opened.values()),)

    async def _write(self, collection: str, write: Write, timeout_s: float) -> str:
        group = await self._groups.obtain(collection)
        return await group.write(write, timeout_s=timeout_s)

    @asynccontextmanager
    async def _open(self, collection: str) -> AsyncIterator[GroupWriter]:
        target = await run_in_thread(
            Work.WRITES,
            open_writable,
            self._stored.locate(collection),
            alias=self._stored.alias,
            models=self._models,
            cache=self._cache,
        )
        yield GroupWriter(partial(commit, target))
