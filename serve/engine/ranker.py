"""Scores passages against questions for many callers in one thread; runs in one event loop.

Requests take turns: each turn scores a few passages of one question, so that a long list does not keep a
short one waiting. Equal passages of one request are scored once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from eagleray.contracts.ports import ScoreVector
from eagleray.errors import InputError
from serve.engine.batch_queue import BatchQueue, QueuedRequest
from serve.engine.threads import Work, run_in_thread
from serve.tracing.spans import describe, span

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
class RankedPassages:
    """Passages with their scores.

    Attributes:
        scores: float32 [n_passages], in the order given; grow with relevance, of any scale.
        n_tokens: that the model read.
    """

    scores: ScoreVector
    n_tokens: int


@dataclass(slots=True, eq=False, kw_only=True)
class _Request(QueuedRequest):
    """One question; `left` are its distinct passages that still wait, the longest last."""

    query: str
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """Passages of one question that are scored together."""

    request: _Request
    passages: list[str]
    score: Callable[[str, Sequence[str]], ScoreVector]

    @property
    def n_items(self) -> int:
        return len(self.passages)

    @property
    def owners(self) -> list[_Request]:
        return [self.request]

    def compute(self) -> ScoreVector:
        return self.score(self.request.query, self.passages)

    def give(self, computed: ScoreVector) -> None:
        self.request.scores.update(zip(self.passages, computed.tolist(), strict=True))
        if not self.request.left:
            self.request.end()


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
        self._turns: BatchQueue[_Request] = BatchQueue(
            self._take_turn,
            max_waiting=limits.max_waiting,
            timeout_s=limits.timeout_s,
            thread_name="eagleray-rerank",
        )

    @property
    def n_waiting(self) -> int:
        """Passages that wait for a turn."""
        return self._turns.n_waiting

    @property
    def n_requests(self) -> int:
        """Requests that wait for a turn, however many passages they have."""
        return len(self._turns)

    async def rank(self, query: str, passages: Sequence[str], *, may_cut: bool) -> RankedPassages:
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
        async with self._turns.admit(request):
            with span("rerank", n_texts=len(passages)) as made:
                lengths = await run_in_thread(Work.TEXTS, self._count, query, passages)
                n_tokens = self._check(lengths, may_cut=may_cut)
                describe(made, n_tokens=n_tokens)
                await self._turns.carry_out(request)
        scores = np.array([request.scores[passage] for passage in passages], dtype=np.float32)
        return RankedPassages(scores=scores, n_tokens=n_tokens)

    async def close(self) -> None:
        """Wait for the turn at work, and end the thread."""
        await self._turns.close()

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

    def _take_turn(self, requests: Sequence[_Request]) -> _Turn:
        request = requests[0]
        passages = request.left[-TURN:]
        del request.left[-TURN:]
        return _Turn(request=request, passages=passages, score=self._score)
