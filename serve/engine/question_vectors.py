"""The vectors of questions: remembered, asked for once at a time, embedded with those of other callers.

Callers share what is remembered only where they ask the same collection with the same groups and zones.

A question's vector has the bits that it has alone, whatever else is asked: that is up to the encoder, which
takes questions of equal length alone (see `equal_batches`).
"""

from __future__ import annotations

import asyncio
from functools import lru_cache, partial
from hashlib import sha256
from typing import Final, Protocol

from eagleray.contracts.ports import FloatVector
from eagleray.digests import canonical_json
from eagleray.errors import DeadlineError
from serve.engine.encoding import Encoder

_MAX_KNOWN: Final = 100_000
"""Questions remembered: at 384 numbers each, 175 MB."""


@lru_cache(maxsize=4096)
def digest_readers(collection: str, groups: frozenset[str], zones: frozenset[str] | None) -> bytes:
    """Return what tells those apart who may not learn what each other asked: 32 bytes."""
    named = [collection, sorted(groups), None if zones is None else sorted(zones)]
    return sha256(canonical_json(named)).digest()


class SharedVectorsPort(Protocol):
    """Vectors that several processes remember together; what fails is as if it were not there."""

    async def find(self, digest: bytes) -> FloatVector | None:
        """Return the vector of a question, by its SHA-256, as the same embedder gave it."""
        ...

    async def keep(self, digest: bytes, vector: FloatVector) -> None:
        """Remember a vector."""
        ...


class QuestionVectors:
    """Finds the vectors of questions; runs in one event loop."""

    def __init__(
        self, encoder: Encoder, *, shared: SharedVectorsPort | None = None, max_known: int = _MAX_KNOWN
    ) -> None:
        """Take the parts.

        Args:
            encoder: of questions; gives each the bits that it has alone.
            shared: what other processes remember; `None` for nothing.
            max_known: questions remembered here; the oldest goes first.
        """
        self._encoder, self._shared, self._max_known = encoder, shared, max_known
        self._known: dict[bytes, FloatVector] = {}
        self._flights: dict[bytes, asyncio.Task[FloatVector]] = {}

    @property
    def encoder(self) -> Encoder:
        """What embeds the questions that are not remembered."""
        return self._encoder

    async def find(self, question: str, *, timeout_s: float, readers: bytes = b"") -> FloatVector:
        """Return float32 [dim], unit L2 norm; not to be written to.

        Args:
            question: in words; what is longer than the model reads is cut.
            timeout_s: seconds it may take.
            readers: who shares what is remembered (see `digest_readers`): the time that an answer takes tells
                whether the question was asked before.

        Raises:
            OverloadedError: too many questions wait; try again later.
            DeadlineError: its time was up.
            EagleRayError: the model failed.
        """
        digest = sha256(readers + question.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(digest)
        if known is not None:
            return known
        flight = self._flights.get(digest)
        if flight is None:
            flight = self._flights[digest] = asyncio.create_task(self._embed(digest, question))
            flight.add_done_callback(partial(self._land, digest))
        try:
            async with asyncio.timeout(timeout_s) as clock:
                return await asyncio.shield(flight)
        except TimeoutError as error:
            if not clock.expired():
                raise
            raise DeadlineError(timeout_s=timeout_s) from error

    async def close(self) -> None:
        """End what is asked for, and the encoder."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
        await self._encoder.close()

    async def _embed(self, digest: bytes, question: str) -> FloatVector:
        vector = None if self._shared is None else await self._shared.find(digest)
        if vector is None:
            vector = (await self._encoder.encode([question])).vectors[0]
            if self._shared is not None:
                await self._shared.keep(digest, vector)
        return vector

    def _land(self, digest: bytes, flight: asyncio.Task[FloatVector]) -> None:
        del self._flights[digest]
        if flight.cancelled() or flight.exception() is not None:
            return
        if len(self._known) >= self._max_known:
            del self._known[next(iter(self._known))]
        self._known[digest] = flight.result()
