"""One replica that scores the documents of many callers against their questions."""

from __future__ import annotations

from collections.abc import Sequence

from eagleray.errors import EagleRayError, InputError, OverloadedError
from serve.composition.models import make_ranker
from serve.deployments.arguments import Arguments
from serve.deployments.calling import returned
from serve.deployments.replica import Replica
from serve.engine.reranking import RankedPassages
from serve.engine.startup_objects import keep_startup_objects
from serve.tracing.spans import Carrier


class DocumentRanker(Replica):
    """Scores documents that come from other processes."""

    def __init__(self, arguments: Arguments) -> None:
        """Open the reranker.

        Raises:
            InputError: the settings name none.
        """
        settings = arguments.read_settings()
        super().__init__(settings)
        ranker = make_ranker(settings)
        if ranker is None:
            raise InputError(detail="no reranker is set; set EAGLERAY_RERANKER__MODEL")
        self._ranker = ranker
        keep_startup_objects()

    async def check_health(self) -> None:
        """Score a document.

        Raises:
            EagleRayError: it cannot. Too much to do is no illness.
        """
        try:
            await self._ranker.rank("ready", ["ready"], may_cut=True)
        except OverloadedError:
            return

    async def rank(
        self, query: str, passages: Sequence[str], may_cut: bool, carrier: Carrier
    ) -> RankedPassages | EagleRayError:
        """Return the scores of passages, or the error."""
        return await returned(self._ranker.rank(query, passages, may_cut=may_cut), carrier)
