"""Values that several processes remember together: sealed, bounded, and never waited for long.

Vectors of questions are such values; what else is one has a module of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from eagleray.contracts.ports import FloatVector
from serve.engine.shared.guarding import Guard
from serve.engine.shared.sealing import Sealer
from serve.engine.threads import Work, run_in_thread

_MAX_PENDING: Final = 64
"""Values that may wait to be stored; what comes beyond is not kept."""

VECTORS: Final = "vector"
"""Kind of the names of vectors."""

_ITEM_BYTES: Final = 4


class CachePort(Protocol):
    """Stores bytes under names; whatever it raises, the cache goes on without."""

    async def get(self, name: bytes) -> bytes | None:
        """Return what is stored under a name."""
        ...

    async def put(self, name: bytes, value: bytes, ttl_s: int) -> None:
        """Store a value for so many seconds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheCounts:
    """What a cache did since the process began.

    Attributes:
        n_found: values that were there, whole and genuine.
        n_missed: values that were not there, or not asked for because the store had failed.
        n_rejected: values that were changed, cut, too long, or sealed with another secret.
        n_kept: values that were stored.
        n_dropped: values that were not: too long, too many at once, or the store failed.
    """

    n_found: int
    n_missed: int
    n_rejected: int
    n_kept: int
    n_dropped: int


class SharedCache:
    """Finds and keeps values of one kind; runs in one event loop."""

    def __init__(
        self, values: CachePort, guard: Guard, sealer: Sealer, *, ttl_s: int, max_bytes: int
    ) -> None:
        """Take the parts.

        Args:
            values: the store.
            guard: of the store.
            sealer: seals values.
            ttl_s: seconds a value is kept.
            max_bytes: of a value; a longer one is neither kept nor taken.
        """
        self._values, self._guard, self._sealer = values, guard, sealer
        self._ttl_s, self._max_bytes = ttl_s, max_bytes
        self._n_found, self._n_missed, self._n_rejected = 0, 0, 0
        self._n_kept, self._n_dropped = 0, 0
        self._pending: set[asyncio.Task[None]] = set()

    @property
    def counts(self) -> CacheCounts:
        """What it did so far."""
        return CacheCounts(
            n_found=self._n_found,
            n_missed=self._n_missed,
            n_rejected=self._n_rejected,
            n_kept=self._n_kept,
            n_dropped=self._n_dropped,
        )

    async def find(self, name: bytes) -> bytes | None:
        """Return the value that was kept under a name, if it is there and genuine."""
        sealed = await self._guard.call(lambda: self._values.get(name), otherwise=None)
        if sealed is None:
            self._n_missed += 1
            return None
        value = await run_in_thread(Work.SHARED, self._sealer.open, name, sealed)
        if value is None or len(value) > self._max_bytes:
            self._n_rejected += 1
            return None
        self._n_found += 1
        return value

    def keep(self, name: bytes, make: Callable[[], bytes]) -> None:
        """Begin to store a value under a name, and return at once.

        Args:
            name: as a sealer makes it.
            make: returns the value; called in a thread.
        """
        if len(self._pending) >= _MAX_PENDING:
            self._n_dropped += 1
            return
        keeping = asyncio.create_task(self._store(name, make))
        self._pending.add(keeping)
        keeping.add_done_callback(self._pending.discard)

    async def settle(self) -> None:
        """Wait until what was begun is stored, or given up."""
        await asyncio.gather(*self._pending, return_exceptions=True)

    async def _store(self, name: bytes, make: Callable[[], bytes]) -> None:
        value = await run_in_thread(Work.SHARED, make)
        is_kept = False
        if len(value) <= self._max_bytes:
            sealed = await run_in_thread(Work.SHARED, self._sealer.seal, name, value)

            async def put() -> bool:
                await self._values.put(name, sealed, self._ttl_s)
                return True

            is_kept = await self._guard.call(put, otherwise=False)
        self._n_kept += is_kept
        self._n_dropped += not is_kept


class CachedVectors:
    """Vectors of questions, by whatever embedder is the same; implements `SharedVectorsPort`."""

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
