"""One replica that embeds the texts of many callers together."""

from __future__ import annotations

from collections.abc import Sequence

from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.embedders import open_embedder
from eagleray.errors import EagleRayError, OverloadedError
from serve.composition.models import make_text_encoder
from serve.deployments.arguments import Arguments
from serve.deployments.calling import returned
from serve.deployments.replica import Replica
from serve.engine.encoding import Encoded
from serve.engine.startup_objects import keep_startup_objects
from serve.tracing.spans import Carrier


class TextEncoder(Replica):
    """Embeds texts that come from other processes."""

    def __init__(self, arguments: Arguments) -> None:
        settings = arguments.read_settings()
        super().__init__(settings)
        embedder = open_embedder(settings.embedder)
        self._identity = embedder.identity
        self._passages = make_text_encoder(settings, embedder, is_question=False)
        self._questions = make_text_encoder(settings, embedder, is_question=True)
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

    async def identify(self) -> EmbedderIdentity:
        """Return the model's identity."""
        return self._identity
