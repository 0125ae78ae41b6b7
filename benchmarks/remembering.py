"""An embedder that embeds each question once, so that searches are compared without it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.ports import Embedder, FloatMatrix


class RememberingEmbedder:
    """Gives for a question always the vector that the model gave first."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._questions: dict[str, FloatMatrix] = {}

    @property
    def identity(self) -> EmbedderIdentity:
        """That of the model."""
        return self._embedder.identity

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Return what the model returns."""
        return self._embedder.embed_passages(texts)

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return float32 [len(texts), dim], one question at a time."""
        for text in texts:
            if text not in self._questions:
                self._questions[text] = self._embedder.embed_queries([text])
        return np.concatenate([self._questions[text] for text in texts])
