from __future__ import annotations

import asyncio

import numpy as np
import pytest

from eagleray.embedders.hashing import HashingEmbedder, count_words
from eagleray.errors import DeadlineError, ModelError
from serve.engine.encoding import Encoder, EncoderLimits
from serve.engine.question_vectors import QuestionVectors, digest_readers
from tests.unit.serve.engine.test_encoding import GatedEmbedder
from tests.waiting import wait_until


class Shared:
    """What other processes remember."""

    def __init__(self):
        self.kept, self.asked = {}, 0

    async def find(self, digest):
        self.asked += 1
        return self.kept.get(digest)

    async def keep(self, digest, vector):
        self.kept[digest] = vector


def run(body, embed, **options):
    async def whole():
        limits = EncoderLimits(max_tokens=None, least_fill=1.0)
        vectors = QuestionVectors(Encoder(embed, count=count_words, limits=limits), **options)
        try:
            return await body(vectors)
        finally:
            await vectors.close()

    return asyncio.run(whole())


def test_a_question_of_many_callers_is_embedded_once_and_then_remembered():
    embed = GatedEmbedder()

    async def body(vectors):
        found = await asyncio.gather(*(vectors.find("swap curve", timeout_s=5.0) for _ in range(20)))
        return [*found, await vectors.find("swap curve", timeout_s=5.0)]

    for vector in run(body, embed):
        assert np.array_equal(vector, HashingEmbedder().embed_queries(["swap curve"])[0])
    assert embed.batches == [["swap curve"]]


def test_what_one_asked_is_not_remembered_for_those_who_may_not_see_the_same():
    embed, rates = GatedEmbedder(), frozenset({"rates"})
    readers = [
        digest_readers("notes", rates, None),
        digest_readers("bonds", rates, None),
        digest_readers("notes", frozenset(), None),
        digest_readers("notes", rates, frozenset({"eu"})),
    ]

    async def body(vectors):
        for who in readers + readers:
            await vectors.find("swap curve", timeout_s=5.0, readers=who)

    run(body, embed)
    assert embed.batches == [["swap curve"]] * len(readers)


def test_questions_of_equal_length_go_together_and_others_apart():
    embed = GatedEmbedder()

    async def body(vectors):
        embed.gate.clear()
        held = asyncio.create_task(vectors.find("held", timeout_s=5.0))
        await wait_until(lambda: embed.batches)
        asked = [f"{n} bond" for n in range(5)] + [f"the {n} bond" for n in range(4)]
        found = [asyncio.create_task(vectors.find(text, timeout_s=5.0)) for text in asked]
        await wait_until(lambda: vectors.encoder.n_waiting == 9 and vectors.encoder.n_requests == 9)
        embed.gate.set()
        await asyncio.gather(held, *found)

    run(body, embed)
    assert sorted(map(len, embed.batches)) == [1, 4, 5]
    assert all(len(set(count_words(batch))) == 1 for batch in embed.batches)


def test_who_has_no_time_left_leaves_the_others_their_vector():
    embed = GatedEmbedder()

    async def body(vectors):
        embed.gate.clear()
        stays = asyncio.create_task(vectors.find("swap", timeout_s=5.0))
        with pytest.raises(DeadlineError, match=r"0\.05 s"):
            await vectors.find("swap", timeout_s=0.05)
        embed.gate.set()
        return await stays

    assert run(body, embed).shape == (HashingEmbedder().identity.dim,)
    assert embed.batches == [["swap"]]


def test_a_failure_is_told_to_all_who_wait_and_is_not_remembered():
    embed = GatedEmbedder()

    async def body(vectors):
        for _ in range(2):
            found = await asyncio.gather(
                *(vectors.find("bad", timeout_s=5.0) for _ in range(3)), return_exceptions=True
            )
            assert [type(error) for error in found] == [ModelError] * 3

    run(body, embed)
    assert embed.batches == [["bad"], ["bad"]]


def test_no_more_are_remembered_than_may_be():
    embed = GatedEmbedder()

    async def body(vectors):
        for text in ("a", "b", "c", "c", "b", "a"):
            await vectors.find(text, timeout_s=5.0)

    run(body, embed, max_known=2)
    assert embed.batches == [["a"], ["b"], ["c"], ["a"]]


def test_what_another_process_remembers_is_not_embedded_again():
    embed, shared = GatedEmbedder(), Shared()

    async def body(vectors):
        return await vectors.find("swap", timeout_s=5.0)

    first = run(body, embed, shared=shared)
    assert run(body, embed, shared=shared) is first
    assert embed.batches == [["swap"]]
    assert shared.asked == 2
