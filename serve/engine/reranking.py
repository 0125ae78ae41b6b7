"""Scores passages against questions for many callers in one thread; runs in one event loop.

Requests take turns: each turn scores a few passages of one question, so that a long list does not keep a
short one waiting. Equal passages of one request are scored once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from eagleray.contracts.ports import ScoreVector
from eagleray.errors import DeadlineError, InputError, OverloadedError
from serve.tracing.spans import describe, span

_LEAST_RETRY_S: Final = 0.1
_SHARE: Final = 0.1
"""Weight of the last turn in the mean of what one passage takes."""

TURN: Final = 64
"""Passages of one turn at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankerLimits:
    """How much one ranker takes on.

    Attributes:
        max_tokens: of a question with one passage; the model cuts a longer pair.
        max_waiting: passages that may wait; a request that would exceed it is refused.
        timeout_s: seconds a request may take, waiting included.
    """

    max_tokens: int
    max_waiting: int = 4096
    timeout_s: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """Passages with their scores.

    Attributes:
        scores: float32 [n_passages], in the order given; grow with relevance, of any scale.
        n_tokens: that the model read.
    """

    scores: ScoreVector
    n_tokens: int


@dataclass(slots=True, eq=False)
class _Request:
    """One question; `left` are its distinct passages that still wait, the longest last."""

    query: str
    left: list[str]
    scores: dict[str, float] = field(default_factory=dict)
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Ranker:
    """Scores passages; safe to await from many tasks of one event loop."""

    def __init__(
        self,
        score: Callable[[str, Sequence[str]], ScoreVector],
        *,
        count: Callable[[str, Sequence[str]], Sequence[int]],
        limits: RankerLimits,
    ) -> None:
        """Take the parts.

        Args:
            score: a question and passages in, float32 [n_passages] out; called in one thread.
            count: a question and passages in, tokens of each pair out; called in threads.
            limits: how much it takes on.
        """
        self._score, self._count, self._limits = score, count, limits
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="eagleray-rerank")
        self._turns: deque[_Request] = deque()
        self._work: asyncio.Task[None] | None = None
        self._n_waiting = 0
        self._mean_s = 0.0

    @property
    def n_waiting(self) -> int:
        """Passages that wait for a turn."""
        return self._n_waiting

    async def rank(self, query: str, passages: Sequence[str], *, may_cut: bool) -> Ranked:
        """Return the scores of one or more passages.

        Args:
            query: the question.
            passages: in any order of length.
            may_cut: whether a pair longer than the model reads is cut; otherwise it is refused.

        Raises:
            InputError: a pair is too long.
            OverloadedError: too many passages wait; try again later.
            DeadlineError: its time was up.
            EagleRayError: what `score` raised.
        """
        request = _Request(query=query, left=sorted(set(passages), key=lambda text: (len(text), text)))
        self._admit(len(request.left))
        timeout_s = self._limits.timeout_s
        try:
            async with asyncio.timeout(timeout_s) as clock:
                with span("rerank", n_texts=len(passages)) as made:
                    lengths = await asyncio.to_thread(self._count, query, passages)
                    n_tokens = self._check(lengths, may_cut=may_cut)
                    describe(made, n_tokens=n_tokens)
                    self._enqueue(request)
                    await request.done
        except TimeoutError as error:
            if not clock.expired():
                raise
            raise DeadlineError(timeout_s=timeout_s) from error
        finally:
            self._drop(request)
        scores = np.array([request.scores[passage] for passage in passages], dtype=np.float32)
        return Ranked(scores=scores, n_tokens=n_tokens)

    async def close(self) -> None:
        """Wait for the turn at work, and end the thread."""
        for request in list(self._turns):
            request.done.cancel()
            self._drop(request)
        if self._work is not None:
            await self._work
        await asyncio.to_thread(self._pool.shutdown)

    def _admit(self, n_passages: int) -> None:
        if self._n_waiting + n_passages > self._limits.max_waiting:
            retry_s = max(_LEAST_RETRY_S, self._mean_s * self._n_waiting)
            raise OverloadedError(waiting=self._n_waiting, retry_after_s=round(retry_s, 3))
        self._n_waiting += n_passages

    def _check(self, lengths: Sequence[int], *, may_cut: bool) -> int:
        """Return the tokens that the model reads of all pairs together."""
        most = self._limits.max_tokens
        for row, length in enumerate(lengths):
            if length > most and not may_cut:
                detail = (
                    f"document {row} and the question have {length} tokens; the model reads {most} at most"
                )
                raise InputError(detail=f"{detail}: cut it, or say truncate", param="documents")
        return sum(min(length, most) for length in lengths)

    def _enqueue(self, request: _Request) -> None:
        self._turns.append(request)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._score_waiting())

    def _drop(self, request: _Request) -> None:
        """Let no passage of a request wait any more; doing it again does nothing."""
        self._n_waiting -= len(request.left)
        request.left.clear()
        if request in self._turns:
            self._turns.remove(request)

    async def _score_waiting(self) -> None:
        """Score turn by turn until no passage waits."""
        loop = asyncio.get_running_loop()
        while self._turns:
            request, started = self._turns.popleft(), loop.time()
            passages = request.left[-TURN:]
            del request.left[-TURN:]
            self._n_waiting -= len(passages)
            try:
                scores = await loop.run_in_executor(self._pool, self._score, request.query, passages)
                request.scores.update(zip(passages, scores.tolist(), strict=True))
                self._go_on(request)
            except Exception as error:  # noqa: BLE001 - it is the caller's, who waits for it
                self._drop(request)
                if not request.done.done():
                    request.done.set_exception(error)
            self._mean_s += _SHARE * ((loop.time() - started) / len(passages) - self._mean_s)

    def _go_on(self, request: _Request) -> None:
        """Give a request its next turn, or end it; one that was dropped meanwhile has ended."""
        if request.left:
            self._turns.append(request)
        elif not request.done.done():
            request.done.set_result(None)
