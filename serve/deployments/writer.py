"""One replica that writes the documents of many callers together, whichever ingress they came to."""

from __future__ import annotations

import os

from eagleray.embedders import open_embedder
from eagleray.errors import EagleRayError
from indexes.writing.requests import Write
from serve.deployments.arguments import Arguments
from serve.deployments.calling import returned
from serve.deployments.replica import Replica
from serve.engine.threads import Work, run_in_thread
from serve.tracing.spans import Carrier
from serve.writing import make_group, open_writable


class CollectionWriter(Replica):
    """Carries out requests that come from other processes, beside others that do."""

    def __init__(self, arguments: Arguments) -> None:
        """Open the collection.

        Raises:
            NotPublishedError: there is none.
        """
        settings = arguments.read_settings()
        super().__init__(settings)
        os.nice(settings.serve.write_niceness)  # the process is this replica's alone
        self._embedder = open_embedder(settings.embedder)
        self._group = make_group(open_writable(settings, alias=arguments.alias, embedder=self._embedder))

    async def check_health(self) -> None:
        """Embed a text, which every write takes; what the store or the alias lacks is no illness of its own.

        Raises:
            EagleRayError: it cannot.
        """
        await run_in_thread(Work.TEXTS, self._embedder.embed_passages, ["ready"])

    async def write(self, write: Write, timeout_s: float, carrier: Carrier) -> str | EagleRayError:
        """Return the id of the first snapshot that holds what the request asks for, or the error."""
        return await returned(self._group.write(write, timeout_s=timeout_s), carrier)
