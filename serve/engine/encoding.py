"""Embeds the texts of many callers together, in batches of like length; runs in one event loop.

No text is held back to wait for others: batches form from what came while the last one was computed. The
requests take turns to begin a batch, so that a large one does not keep a small one waiting, and each batch is
filled up with waiting texts of similar length from any caller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from eagleray.contracts.ports import FloatMatrix
from eagleray.errors import InputError
from serve.engine.batch_queue import BatchQueue, QueuedRequest
from serve.engine.threads import Work, run_in_thread
from serve.tracing.spans import describe, span


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
        leaves_room: whether a second request of one caller is refused where others would find no room.
    """

    max_tokens: int | None
    max_batch_tokens: int = 1024
    max_batch_texts: int = 0
    least_fill: float = 0.5
    max_waiting: int = 4096
    timeout_s: float = 120.0
    leaves_room: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Texts as vectors.

    Attributes:
        vectors: float32 [n_texts, dim], C-contiguous, unit L2 norm, in the order given.
        n_tokens: of all texts together.
    """

    vectors: FloatMatrix
    n_tokens: int


@dataclass(slots=True, eq=False, kw_only=True)
class _Request(QueuedRequest):
    """Texts of one caller; `left` are the rows that still wait, the shortest first."""

    texts: Sequence[str]
    lengths: Sequence[int] = ()
    vectors: FloatMatrix | None = None
    n_missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Texts that are embedded together, each a row of a request."""

    rows: list[tuple[_Request, int]]
    embed: Callable[[Sequence[str]], FloatMatrix]

    @property
    def n_items(self) -> int:
        return len(self.rows)

    @property
    def owners(self) -> list[_Request]:
        return [request for request, _ in self.rows]

    def compute(self) -> FloatMatrix:
        return self.embed([request.texts[row] for request, row in self.rows])

    def give(self, computed: FloatMatrix) -> None:
        for (request, row), vector in zip(self.rows, computed, strict=True):
            if request.vectors is None:
                request.vectors = np.empty((len(request.texts), len(vector)), dtype=np.float32)
            request.vectors[row] = vector
            request.n_missing -= 1
            if not request.n_missing:
                request.end()


class Encoder:
    """Embeds texts; safe to await from many tasks of one event loop."""

    def __init__(
        self,
        embed: Callable[[Sequence[str]], FloatMatrix],
        *,
        count: Callable[[Sequence[str]], Sequence[int]],
        limits: EncoderLimits,
        counting: Work = Work.TEXTS,
    ) -> None:
        """Take the parts.

        Args:
            embed: texts in, float32 [n_texts, dim] of unit L2 norm out; called in one thread.
            count: texts in, tokens of each out; called in threads.
            limits: how much it takes on.
            counting: whose threads count.
        """
        self._embed, self._count, self._limits, self._counting = embed, count, limits, counting
        self._turns: BatchQueue[_Request] = BatchQueue(
            self._take_batch,
            max_waiting=limits.max_waiting,
            timeout_s=limits.timeout_s,
            thread_name="eagleray-embed",
            leaves_room=limits.leaves_room,
        )

    @property
    def limits(self) -> EncoderLimits:
        """How much it takes on."""
        return self._limits

    @property
    def n_waiting(self) -> int:
        """Texts that wait for a batch."""
        return self._turns.n_waiting

    @property
    def n_requests(self) -> int:
        """Requests that wait for a turn, however many texts they have."""
        return len(self._turns)

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
        request = _Request(texts=texts, left=list(range(len(texts))), n_missing=len(texts))
        async with self._turns.admit(request, timeout_s=timeout_s):
            with span("embed", n_texts=len(texts)) as made:
                request.lengths = await run_in_thread(self._counting, self._count, texts)
                self._check(request.lengths)
                describe(made, n_tokens=sum(request.lengths))
                request.left.sort(key=request.lengths.__getitem__)
                await self._turns.carry_out(request)
        assert request.vectors is not None  # noqa: S101 - every row was given
        return Encoded(vectors=request.vectors, n_tokens=sum(request.lengths))

    async def close(self) -> None:
        """Wait for the batch at work, and end the thread."""
        await self._turns.close()

    def _check(self, lengths: Sequence[int]) -> None:
        most = self._limits.max_tokens
        for row, length in enumerate(lengths):
            if most is not None and length > most:
                detail = f"input {row} has {length} tokens; the model reads {most} at most: cut it"
                raise InputError(detail=detail, param="input", code="context_length_exceeded")

    def _take_batch(self, requests: Sequence[_Request]) -> _Batch:
        """Take the longest text of the request whose turn it is, and those that fit in beside it."""
        first = requests[0]
        head = (first, first.left[-1])
        aim = first.lengths[head[1]]
        waiting = [(request, row) for request in requests for row in request.left]
        waiting.sort(key=lambda text: (text != head, abs(text[0].lengths[text[1]] - aim)))
        rows: list[tuple[_Request, int]] = []
        shortest = longest = aim
        most = self._limits.max_batch_texts or len(waiting)
        for request, row in waiting[:most]:
            length = request.lengths[row]
            shortest, longest = min(shortest, length), max(longest, length)
            is_too_large = (len(rows) + 1) * longest > self._limits.max_batch_tokens
            if rows and (is_too_large or shortest < self._limits.least_fill * longest):
                break
            rows.append((request, row))
        taken = set(rows)
        for request in {request for request, _ in rows}:
            request.left = [row for row in request.left if (request, row) not in taken]
        return _Batch(rows=rows, embed=self._embed)
