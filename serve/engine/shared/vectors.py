"""The vectors of questions, remembered by several processes with the same embedder."""

from __future__ import annotations

from typing import Final

import numpy as np

from eagleray.contracts.ports import FloatVector
from serve.engine.shared.cache import SharedCache
from serve.engine.shared.sealing import Sealer

VECTORS: Final = "vector"
"""Kind of their names."""

_ITEM_BYTES: Final = 4


class CachedVectors:
    """Implements `SharedVectorsPort`."""

    def __init__(self, cache: SharedCache, sealer: Sealer, *, embedder: str, dim: int) -> None:
        """Take the parts.

        Args:
            cache: holds them, as little-endian float32.
            sealer: makes their names.
            embedder: digest of everything that a vector's bits depend on beside the text.
            dim: numbers of a vector.
        """
        self._cache, self._sealer, self._embedder, self._dim = cache, sealer, embedder, dim

    async def find(self, digest: bytes) -> FloatVector | None:
        """Return the vector of a question, by its SHA-256, as the same embedder gave it."""
        value = await self._cache.find(self._name(digest))
        if value is None or len(value) != self._dim * _ITEM_BYTES:
            return None
        return np.frombuffer(value, dtype="<f4").astype(np.float32)

    async def keep(self, digest: bytes, vector: FloatVector) -> None:
        """Begin to remember a vector; nobody waits until it is stored."""
        self._cache.keep(self._name(digest), vector.astype("<f4").tobytes)

    def _name(self, digest: bytes) -> bytes:
        return self._sealer.name(VECTORS, self._embedder, digest.hex())
