"""A reranker that loads its model when it first scores: a search that does not rerank pays nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from eagleray.contracts.ports import Reranker, RerankerIdentity, ScoreVector


class DeferredReranker:
    """Stands for the reranker that `load` returns; safe to share between threads.

    Args:
        load: called once, by the first call of a method.
    """

    def __init__(self, load: Callable[[], Reranker]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._loaded: Reranker | None = None

    @property
    def identity(self) -> RerankerIdentity:
        """The model's name and digest."""
        return self._find().identity

    def score(self, query: str, passages: Sequence[str]) -> ScoreVector:
        """Return float32 [len(passages)], in the order given; grows with relevance."""
        return self._find().score(query, passages)

    def _find(self) -> Reranker:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded
