"""Replicas that compute a model for many callers together: one embeds texts, one scores documents."""

from __future__ import annotations

from collections.abc import Sequence

from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.errors import EagleRayError, InputError, OverloadedError
from serve.composition.models import Models
from serve.deployments.arguments import Arguments
from serve.deployments.calling import returned
from serve.deployments.replica import Replica
from serve.engine.encoding import Encoded
from serve.engine.queue_states import Queue, QueueState, read_queue
from serve.engine.ranker import RankedPassages
from serve.engine.startup_objects import keep_startup_objects
from serve.tracing.spans import Carrier


class TextEncoder(Replica):
    """Embeds texts that come from other processes."""

    def __init__(self, arguments: Arguments) -> None:
        settings = arguments.read_settings()
        super().__init__(settings.tracing)
        models = Models(settings)
        self._identity = models.embedder.identity
        self._passages = models.make_text_encoder(is_question=False)
        self._questions = models.make_text_encoder(is_question=True)
        keep_startup_objects()

    async def check_health(self) -> None:
        """Embed a text.

        Raises:
            EagleRayError: it cannot. Too much to do is no illness.
        """
        try:
            await self._passages.encode(["ready"])
        except OverloadedError:
            return

    async def encode(
        self, texts: Sequence[str], is_question: bool, timeout_s: float, carrier: Carrier
    ) -> Encoded | EagleRayError:
        """Return the vectors of texts, of questions or of passages, or the error."""
        encoder = self._questions if is_question else self._passages
        return await returned(encoder.encode(texts, timeout_s=timeout_s), carrier)

    async def read_queues(self) -> tuple[QueueState, ...]:
        """Return what waits in the queues of this replica."""
        return (
            read_queue(Queue.PASSAGE_EMBEDDING, self._passages),
            read_queue(Queue.QUESTION_EMBEDDING, self._questions),
        )

    async def identify(self) -> EmbedderIdentity:
        """Return the model's identity."""
        return self._identity


class DocumentRanker(Replica):
    """Scores documents that come from other processes."""

    def __init__(self, arguments: Arguments) -> None:
        """Open the reranker.

        Raises:
            InputError: the settings name none.
        """
        settings = arguments.read_settings()
        super().__init__(settings.tracing)
        ranker = Models(settings).make_ranker()
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

    async def read_queues(self) -> tuple[QueueState, ...]:
        """Return what waits in the queue of this replica."""
        return (read_queue(Queue.RERANKING, self._ranker),)
