"""What each caller may take of a collection: buckets that fill at a steady rate, here or shared with others.

A bucket has a capacity, which may be taken at once. A caller who takes more than it holds, when it is full,
empties it below nothing and waits until it is above again: a large request is possible, and paid for.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from eagleray.errors import QuotaError

MAX_HOLDERS: Final = 10_000
"""Buckets kept; the one that was asked for longest ago goes first, and is full when it comes again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Whether what was asked for was taken, and what is left."""

    is_taken: bool
    left: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose a bucket is: what a caller takes of one collection is none of another's."""

    collection: str
    subject: str


class SharedBucketsPort(Protocol):
    """Buckets of several processes."""

    async def take(self, holder: Holder, n: int, *, what: str, per_s: float, most: float) -> Taken | None:
        """Take `n` for a holder, or nothing; `None` where they cannot be asked."""
        ...


@dataclass(slots=True)
class _Bucket:
    """What is left, and when that was so, in seconds of the clock."""

    left: float
    at: float


class Quota:
    """So much a second for each holder; runs in one event loop."""

    def __init__(
        self,
        per_s: float,
        *,
        burst_s: float,
        what: str,
        now: Callable[[], float] = time.monotonic,
        shared: SharedBucketsPort | None = None,
        default: str = "",
    ) -> None:
        """Take the rate.

        Args:
            per_s: what fills a bucket each second; 0 for no bound.
            burst_s: seconds' worth that a bucket holds; at least one is in it.
            what: is counted, for the error.
            now: returns seconds.
            shared: of several processes; where they cannot be asked, those of this process decide.
            default: collection whose bucket holds what is taken for none.
        """
        self._per_s, self._most, self._what, self._now = per_s, max(1.0, per_s * burst_s), what, now
        self._shared, self._default = shared, default
        self._buckets: OrderedDict[Holder, _Bucket] = OrderedDict()

    @property
    def n_holders(self) -> int:
        """Buckets that are kept here."""
        return len(self._buckets)

    async def take(self, subject: str, n: int = 1, *, collection: str = "") -> None:
        """Take `n` for a subject; nothing is taken where they are refused.

        Args:
            subject: who asks.
            n: how many.
            collection: that is asked; the default one where the request is about none.

        Raises:
            QuotaError: the subject's bucket of that collection does not hold them; says when it will.
        """
        if not self._per_s:
            return
        holder, taken = Holder(collection=collection or self._default, subject=subject), None
        if self._shared is not None:
            taken = await self._shared.take(holder, n, what=self._what, per_s=self._per_s, most=self._most)
        if taken is None:
            taken = self._take_here(holder, n)
        if not taken.is_taken:
            retry_s = (min(float(n), self._most) - taken.left) / self._per_s
            raise QuotaError(
                what=self._what,
                per_s=self._per_s,
                most=int(self._most),
                left=max(0, int(taken.left)),
                retry_after_s=math.ceil(1000.0 * retry_s) / 1000.0,  # never 0: it would be refused again
            )

    def _take_here(self, holder: Holder, n: int) -> Taken:
        bucket = self._fill(holder)
        if bucket.left < min(float(n), self._most):
            return Taken(is_taken=False, left=bucket.left)
        bucket.left -= n
        return Taken(is_taken=True, left=bucket.left)

    def _fill(self, holder: Holder) -> _Bucket:
        now = self._now()
        bucket = self._buckets.setdefault(holder, _Bucket(self._most, now))
        self._buckets.move_to_end(holder)
        bucket.left = min(self._most, bucket.left + (now - bucket.at) * self._per_s)
        bucket.at = now
        if len(self._buckets) > MAX_HOLDERS:
            self._buckets.popitem(last=False)
        return bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """What each holder may take: requests, and texts to embed."""

    requests: Quota
    texts: Quota


def make_quotas(
    *,
    requests_per_s: float,
    texts_per_s: float,
    burst_s: float,
    shared: SharedBucketsPort | None = None,
    default: str = "",
) -> Quotas:
    """Return fresh quotas; a rate of 0 bounds nothing, and `default` has what is taken for no collection."""
    return Quotas(
        requests=Quota(requests_per_s, burst_s=burst_s, what="requests", shared=shared, default=default),
        texts=Quota(texts_per_s, burst_s=burst_s, what="texts", shared=shared, default=default),
    )
