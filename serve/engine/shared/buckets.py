"""What each caller may take of several processes together: a bucket for each, in a store they share."""

from __future__ import annotations

from typing import Final, Protocol

from serve.engine.quotas import Holder, Taken
from serve.engine.shared.guarding import Guard
from serve.engine.shared.sealing import Sealer

BUCKETS: Final = "quota"
"""Kind of their names."""


class BucketPort(Protocol):
    """Holds buckets; whatever it raises, each process goes on with its own."""

    async def take(self, name: bytes, n: int, *, per_s: float, most: float) -> Taken:
        """Take `n` of a bucket that holds `most` and fills by `per_s`, or nothing; all at once."""
        ...


class CountedBuckets:
    """Implements `SharedBucketsPort`."""

    def __init__(self, buckets: BucketPort, guard: Guard, sealer: Sealer) -> None:
        self._buckets, self._guard, self._sealer = buckets, guard, sealer

    async def take(self, holder: Holder, n: int, *, what: str, per_s: float, most: float) -> Taken | None:
        """Take `n` for a holder, or nothing; `None` where the store gives no answer."""
        rate = repr((per_s, most))
        name = self._sealer.name(BUCKETS, holder.collection, what, rate, holder.subject)
        return await self._guard.call(
            lambda: self._buckets.take(name, n, per_s=per_s, most=most), otherwise=None
        )
