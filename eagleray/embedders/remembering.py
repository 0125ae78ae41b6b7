"""An embedder that remembers questions: one that is asked many times is embedded once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.ports import Embedder, FloatMatrix
from eagleray.digests import digest_bytes

_MAX_QUESTIONS: Final = 100_000
"""Questions remembered: at 384 numbers each, 154 MB."""


class RememberingEmbedder:
    """Embeds each question once, alone, so that its bits are those of a single search."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, FloatMatrix] = {}  # by digest

    @property
    def identity(self) -> EmbedderIdentity:
        """What the bits depend on."""
        return self._embedder.identity

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Return what the embedder returns; passages are not remembered."""
        return self._embedder.embed_passages(texts)

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return float32 [len(texts), dim], C-contiguous, unit L2 norm: each text as embedded alone."""
        if not texts:
            return self._embedder.embed_queries(texts)
        return np.concatenate([self._find(text) for text in texts])

    def _find(self, text: str) -> FloatMatrix:
        name = digest_bytes(text.encode("utf-8", "surrogatepass"))
        found = self._known.get(name)
        if found is None:
            found = self._embedder.embed_queries([text])
            if len(self._known) >= _MAX_QUESTIONS:
                self._known.clear()
            self._known[name] = found
        return found
