"""Embeds the texts of many callers together, in batches of like length; runs in one event loop.

No text is held back to wait for others: batches form from what came while the last one was computed. The
requests take turns to begin a batch, so that a large one does not keep a small one waiting, and each batch is
filled up with waiting texts of like length, whoever sent them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from eagleray.contracts.ports import FloatMatrix
from eagleray.errors import DeadlineError, InputError, OverloadedError
from serve.tracing.spans import describe, span

_LEAST_RETRY_S: Final = 0.1
_SHARE: Final = 0.1
"""Weight of the last batch in the mean of what one text takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderLimits:
    """How much one encoder takes on.

    Attributes:
        max_tokens: of one text; a longer one is refused, never cut. `None` refuses none.
        max_batch_tokens: of one batch, padding included; a longer text is a batch of its own.
        max_batch_texts: of one batch; 0 for any number.
        least_fill: least length of a text in a batch, as a share of the longest: most of a batch is text, not
            padding. 1 takes texts of equal length alone, and pads none.
        max_waiting: texts that may wait; a request that would exceed it is refused.
        timeout_s: seconds a request may take, waiting included.
    """

    max_tokens: int | None
    max_batch_tokens: int = 1024
    max_batch_texts: int = 0
    least_fill: float = 0.5
    max_waiting: int = 4096
    timeout_s: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Texts as vectors.

    Attributes:
        vectors: float32 [n_texts, dim], C-contiguous, unit L2 norm, in the order given.
        n_tokens: of all texts together.
    """

    vectors: FloatMatrix
    n_tokens: int


@dataclass(slots=True, eq=False)
class _Request:
    """Texts of one caller; `left` are the rows that still wait, the shortest first."""

    texts: Sequence[str]
    left: list[int]
    lengths: Sequence[int] = ()
    done: asyncio.Future[Encoded] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    vectors: FloatMatrix | None = None
    n_missing: int = 0


_Batch = list[tuple[_Request, int]]


class Encoder:
    """Embeds texts; safe to await from many tasks of one event loop."""

    def __init__(
        self,
        embed: Callable[[Sequence[str]], FloatMatrix],
        *,
        count: Callable[[Sequence[str]], Sequence[int]],
        limits: EncoderLimits,
    ) -> None:
        """Take the parts.

        Args:
            embed: texts in, float32 [n_texts, dim] of unit L2 norm out; called in one thread.
            count: texts in, tokens of each out; called in threads.
            limits: how much it takes on.
        """
        self._embed, self._count, self._limits = embed, count, limits
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="eagleray-embed")
        self._turns: deque[_Request] = deque()
        self._work: asyncio.Task[None] | None = None
        self._n_waiting = 0
        self._mean_s = 0.0

    @property
    def limits(self) -> EncoderLimits:
        """How much it takes on."""
        return self._limits

    @property
    def n_waiting(self) -> int:
        """Texts that wait for a batch."""
        return self._n_waiting

    async def encode(self, texts: Sequence[str], *, timeout_s: float | None = None) -> Encoded:
        """Return the vectors of one or more texts.

        Args:
            texts: in any order of length.
            timeout_s: seconds it may take; the limit where it is greater, or not given.

        Raises:
            InputError: a text is longer than the model reads.
            OverloadedError: too many texts wait; try again later.
            DeadlineError: its time was up.
            EagleRayError: what `embed` raised for a batch that holds one of the texts.
        """
        allowed_s = min(timeout_s or self._limits.timeout_s, self._limits.timeout_s)
        self._admit(len(texts))
        request = _Request(texts=texts, left=list(range(len(texts))), n_missing=len(texts))
        try:
            async with asyncio.timeout(allowed_s) as clock:
                with span("embed", n_texts=len(texts)) as made:
                    request.lengths = await asyncio.to_thread(self._count, texts)
                    self._check(request.lengths)
                    describe(made, n_tokens=sum(request.lengths))
                    self._enqueue(request)
                    return await request.done
        except TimeoutError as error:
            if not clock.expired():
                raise
            raise DeadlineError(timeout_s=allowed_s) from error
        finally:
            self._drop(request)

    async def close(self) -> None:
        """Wait for the batch at work, and end the thread."""
        for request in list(self._turns):
            request.done.cancel()
            self._drop(request)
        if self._work is not None:
            await self._work
        await asyncio.to_thread(self._pool.shutdown)

    def _admit(self, n_texts: int) -> None:
        if self._n_waiting + n_texts > self._limits.max_waiting:
            retry_s = max(_LEAST_RETRY_S, self._mean_s * self._n_waiting)
            raise OverloadedError(waiting=self._n_waiting, retry_after_s=round(retry_s, 3))
        self._n_waiting += n_texts

    def _check(self, lengths: Sequence[int]) -> None:
        most = self._limits.max_tokens
        for row, length in enumerate(lengths):
            if most is not None and length > most:
                detail = f"input {row} has {length} tokens; the model reads {most} at most: cut it"
                raise InputError(detail=detail, param="input", code="context_length_exceeded")

    def _enqueue(self, request: _Request) -> None:
        request.left.sort(key=request.lengths.__getitem__)
        self._turns.append(request)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._embed_waiting())

    def _drop(self, request: _Request) -> None:
        """Let no text of a request wait any more; doing it again does nothing."""
        self._n_waiting -= len(request.left)
        request.left.clear()
        if request in self._turns:
            self._turns.remove(request)

    async def _embed_waiting(self) -> None:
        """Embed batch by batch until no text waits."""
        loop = asyncio.get_running_loop()
        while self._turns:
            batch, started = self._take_batch(), loop.time()
            try:
                texts = [request.texts[row] for request, row in batch]
                _give(batch, await loop.run_in_executor(self._pool, self._embed, texts))
            except Exception as error:  # noqa: BLE001 - it is the callers', who wait for it
                self._fail(batch, error)
            self._mean_s += _SHARE * ((loop.time() - started) / len(batch) - self._mean_s)

    def _fail(self, batch: _Batch, error: Exception) -> None:
        """End the requests of a batch, their other texts with them."""
        for request, _ in batch:
            self._drop(request)
            if not request.done.done():
                request.done.set_exception(error)

    def _take_batch(self) -> _Batch:
        """Take the longest text of the request whose turn it is, and those that fit in beside it."""
        first = self._turns[0]
        head = (first, first.left[-1])
        aim = first.lengths[head[1]]
        waiting = [(request, row) for request in self._turns for row in request.left]
        waiting.sort(key=lambda text: (text != head, abs(text[0].lengths[text[1]] - aim)))
        batch: _Batch = []
        shortest = longest = aim
        most = self._limits.max_batch_texts or len(waiting)
        for request, row in waiting[:most]:
            length = request.lengths[row]
            shortest, longest = min(shortest, length), max(longest, length)
            is_too_large = (len(batch) + 1) * longest > self._limits.max_batch_tokens
            if batch and (is_too_large or shortest < self._limits.least_fill * longest):
                break
            batch.append((request, row))
        self._take_away(batch)
        return batch

    def _take_away(self, batch: _Batch) -> None:
        """Let the texts of a batch wait no more, and give the next request its turn."""
        self._n_waiting -= len(batch)
        taken = {request: {row for owner, row in batch if owner is request} for request, _ in batch}
        for request, rows in taken.items():
            request.left = [row for row in request.left if row not in rows]
        self._turns.rotate(-1)
        self._turns = deque(request for request in self._turns if request.left)


def _give(batch: _Batch, vectors: FloatMatrix) -> None:
    """Hand each request its rows, and the answer where these were the last ones."""
    for (request, row), vector in zip(batch, vectors, strict=True):
        if request.vectors is None:
            request.vectors = np.empty((len(request.texts), vectors.shape[1]), dtype=np.float32)
        request.vectors[row] = vector
        request.n_missing -= 1
        if not request.n_missing and not request.done.done():
            request.done.set_result(Encoded(vectors=request.vectors, n_tokens=sum(request.lengths)))
