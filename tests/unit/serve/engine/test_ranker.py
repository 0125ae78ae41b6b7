from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

from eagleray.errors import DeadlineError, InputError, ModelError, OverloadedError
from serve.engine.ranker import TURN, Ranker, RankerLimits
from tests.waiting import wait_until


class GatedScorer:
    """Scores a passage by its length; may be held up, keeps its turns, and fails for a `bad` passage."""

    def __init__(self):
        self.turns, self.gate = [], threading.Event()
        self.gate.set()

    def __call__(self, query, passages):
        self.turns.append((query, list(passages)))
        assert self.gate.wait(timeout=20)
        if "bad" in passages:
            raise ModelError(model="gated", detail="not finite")
        return np.array([len(passage) for passage in passages], dtype=np.float32)


def count(query, passages):
    return [len(query.split()) + len(passage.split()) for passage in passages]


@pytest.fixture
def score():
    return GatedScorer()


@pytest.fixture
def rank_with(score):
    """Run a coroutine over a ranker with given limits; in the end no passage waits."""

    def run(body, *, max_tokens=64, **limits):
        async def whole():
            ranker = Ranker(score, count=count, limits=RankerLimits(max_tokens=max_tokens, **limits))
            try:
                return await body(ranker)
            finally:
                score.gate.set()
                await ranker.close()
                assert ranker.n_waiting == 0

        return asyncio.run(whole())

    return run


def test_each_caller_gets_its_scores_in_its_order_and_equal_passages_are_scored_once(rank_with, score, rng):
    asked = [["x" * int(n) for n in rng.integers(1, 150, size)] for size in (1, 300, 7)]

    async def body(ranker):
        return await asyncio.gather(*(ranker.rank("q", passages, may_cut=False) for passages in asked))

    for passages, answer in zip(asked, rank_with(body), strict=True):
        assert answer.scores.tolist() == [len(passage) for passage in passages]
        assert answer.n_tokens == 2 * len(passages)
    assert sum(len(turn) for _, turn in score.turns) == sum(len(set(passages)) for passages in asked)


def test_a_long_list_does_not_keep_a_short_one_waiting(rank_with, score):
    async def body(ranker):
        score.gate.clear()
        long = asyncio.create_task(ranker.rank("long", [f"p{row}" for row in range(5 * TURN)], may_cut=False))
        await wait_until(lambda: score.turns)
        short = asyncio.create_task(ranker.rank("short", ["a"], may_cut=False))
        await wait_until(lambda: ranker.n_requests == 2)
        assert ranker.n_waiting == 4 * TURN + 1
        score.gate.set()
        await asyncio.gather(long, short)

    rank_with(body)
    assert [query for query, _ in score.turns].index("short") <= 2
    assert max(len(turn) for _, turn in score.turns) == TURN


def test_a_pair_that_is_too_long_is_refused_or_cut(rank_with, score):
    async def body(ranker):
        with pytest.raises(InputError, match="document 1"):
            await ranker.rank("a b", ["c", "d e f"], may_cut=False)
        assert score.turns == []
        return await ranker.rank("a b", ["c", "d e f"], may_cut=True)

    assert rank_with(body, max_tokens=4).n_tokens == 3 + 4


def test_too_many_are_refused_and_what_waits_too_long_is_dropped(rank_with, score):
    async def body(ranker):
        score.gate.clear()
        held = asyncio.create_task(ranker.rank("held", ["a"], may_cut=False))
        await wait_until(lambda: score.turns)
        with pytest.raises(OverloadedError):
            await ranker.rank("much", ["a", "b", "c"], may_cut=False)
        with pytest.raises(DeadlineError):
            await ranker.rank("late", ["a", "b"], may_cut=False)
        with pytest.raises(DeadlineError):
            await held
        score.gate.set()
        return await ranker.rank("after", ["abc"], may_cut=False)

    assert rank_with(body, max_waiting=2, timeout_s=0.2).scores.tolist() == [3.0]
    assert [query for query, _ in score.turns] == ["held", "after"]


def test_a_failure_is_told_to_whose_it_is(rank_with, score):
    async def body(ranker):
        return await asyncio.gather(
            ranker.rank("q", ["bad"], may_cut=False),
            ranker.rank("q", ["good"], may_cut=False),
            return_exceptions=True,
        )

    failed, good = rank_with(body)
    assert isinstance(failed, ModelError)
    assert good.scores.tolist() == [4.0]
