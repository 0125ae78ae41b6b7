"""An embedder that loads its model when it first embeds: its identity costs no model."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.ports import Embedder, FloatMatrix


class DeferredEmbedder:
    """Stands for the embedder that `load` returns; safe to share between threads.

    Args:
        identity: that of the embedder.
        load: called once, by the first call that embeds.
    """

    def __init__(self, identity: EmbedderIdentity, load: Callable[[], Embedder]) -> None:
        self._identity = identity
        self._load = load
        self._lock = threading.Lock()
        self._loaded: Embedder | None = None

    @property
    def identity(self) -> EmbedderIdentity:
        """What the bits depend on."""
        return self._identity

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Return float32 [len(texts), dim], C-contiguous, unit L2 norm, in the order given."""
        return self._find().embed_passages(texts)

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return what `embed_passages` returns, with the model's query prefix if it has one."""
        return self._find().embed_queries(texts)

    def _find(self) -> Embedder:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded
