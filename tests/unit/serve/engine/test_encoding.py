from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

from eagleray.embedders import open_counter, open_embedder
from eagleray.embedders.hashing import HashingEmbedder, count_words
from eagleray.errors import DeadlineError, InputError, ModelError, OverloadedError
from eagleray.setting_groups.engine import EmbedderSettings
from serve.engine.encoding import Encoder, EncoderLimits
from serve.engine.threads import work_for
from tests.waiting import wait_until


class GatedEmbedder:
    """Hashes texts; may be held up, keeps its batches, and fails for a batch that holds `bad`."""

    def __init__(self):
        self.batches, self.gate = [], threading.Event()
        self.gate.set()

    def __call__(self, texts):
        self.batches.append(list(texts))
        assert self.gate.wait(timeout=20)
        if any("bad" in text for text in texts):
            raise ModelError(model="gated", detail="no finite length")
        return HashingEmbedder().embed_passages(texts)


@pytest.fixture
def embed():
    return GatedEmbedder()


@pytest.fixture
def encode_with(embed):
    """Run a coroutine over an encoder with given limits; in the end no text waits."""

    def run(body, *, embed=embed, count=count_words, max_tokens=256, **limits):
        async def whole():
            encoder = Encoder(embed, count=count, limits=EncoderLimits(max_tokens=max_tokens, **limits))
            try:
                return await body(encoder)
            finally:
                await encoder.close()
                assert encoder.n_waiting == 0

        return asyncio.run(whole())

    return run


def make_texts(rng, n, longest=40):
    return [" ".join(f"w{word}" for word in rng.integers(0, 500, rng.integers(1, longest))) for _ in range(n)]


async def hold(encoder, embed):
    """Keep the thread at work with one batch; return its task."""
    embed.gate.clear()
    held = asyncio.create_task(encoder.encode(["held"]))
    await wait_until(lambda: embed.batches)
    return held


def test_each_caller_gets_the_vectors_of_its_texts_in_their_order(encode_with, embed, rng):
    asked = [make_texts(rng, n) for n in (1, 7, 60, 2, 1, 30)]

    async def body(encoder):
        return await asyncio.gather(*map(encoder.encode, asked))

    answers = encode_with(body, max_batch_tokens=300)
    for texts, answer in zip(asked, answers, strict=True):
        assert answer.vectors.dtype == np.float32
        assert np.array_equal(answer.vectors, HashingEmbedder().embed_passages(texts))
        assert answer.n_tokens == sum(count_words(texts))
    assert sum(map(len, embed.batches)) == sum(map(len, asked))


def test_a_batch_keeps_to_its_tokens_and_holds_texts_of_like_length(encode_with, embed, rng):
    async def body(encoder):
        await asyncio.gather(*(encoder.encode(make_texts(rng, 9)) for _ in range(12)))

    encode_with(body, max_batch_tokens=120)
    for batch in embed.batches:
        lengths = count_words(batch)
        assert len(batch) * max(lengths) <= 120
        assert min(lengths) * 2 >= max(lengths)


def test_texts_that_came_while_a_batch_was_computed_go_together(encode_with, embed):
    async def body(encoder):
        held = await hold(encoder, embed)
        callers = [asyncio.create_task(encoder.encode([f"text {n}"])) for n in range(20)]
        await wait_until(lambda: encoder.n_requests == 20)
        embed.gate.set()
        await asyncio.gather(held, *callers)

    encode_with(body)
    assert [len(batch) for batch in embed.batches] == [1, 20]


def test_a_small_request_does_not_wait_until_a_large_one_has_ended(encode_with, embed):
    async def body(encoder):
        held = await hold(encoder, embed)
        large = asyncio.create_task(encoder.encode([" ".join(["long"] * 100)] * 50))
        await wait_until(lambda: encoder.n_requests == 1)
        small = asyncio.create_task(encoder.encode(["short"]))
        await wait_until(lambda: encoder.n_requests == 2)
        embed.gate.set()
        await asyncio.gather(held, large, small)

    encode_with(body, max_batch_tokens=200)
    assert embed.batches.index(["short"]) == 2


def test_a_text_longer_than_a_batch_is_one_of_its_own(encode_with, embed):
    async def body(encoder):
        await encoder.encode(["one two three four", "five six", "seven eight"])

    encode_with(body, max_batch_tokens=3)
    assert [len(batch) for batch in embed.batches] == [1, 1, 1]


def test_a_text_longer_than_the_model_reads_is_refused_and_never_cut(encode_with, embed):
    async def body(encoder):
        with pytest.raises(InputError, match="input 1 has 5 tokens; the model reads 4 at most"):
            await encoder.encode(["one", "one two three four five"])

    encode_with(body, max_tokens=4)
    assert embed.batches == []


def test_more_texts_than_may_wait_are_refused_and_the_others_are_embedded(encode_with, embed):
    async def body(encoder):
        held = await hold(encoder, embed)
        waiting = asyncio.create_task(encoder.encode(["a", "b"]))
        await wait_until(lambda: encoder.n_waiting == 2)
        with pytest.raises(OverloadedError) as refused:
            await encoder.encode(["c", "d"])
        assert refused.value.retry_after_s > 0.0
        embed.gate.set()
        await asyncio.gather(held, waiting)
        assert (await encoder.encode(["c", "d"])).n_tokens == 2

    encode_with(body, max_waiting=3)


@pytest.mark.parametrize("leaves_room", [True, False])
def test_requests_of_one_caller_leave_room_for_others(encode_with, embed, leaves_room):
    async def body(encoder):
        async def ask(subject, n):
            work_for(subject)
            try:
                return len((await encoder.encode(["a"] * n)).vectors)
            except OverloadedError:
                return 0

        held = await hold(encoder, embed)
        asking = []
        for subject, n in (("ann", 100), ("ann", 50), ("ann", 1), ("ben", 40), ("", 5), ("cleo", 10)):
            asking.append(asyncio.create_task(ask(subject, n)))
            await asyncio.sleep(0)
        await wait_until(lambda: encoder.n_requests == (4 if leaves_room else 5))
        embed.gate.set()
        await held
        assert await asyncio.gather(*asking) == [100, 50, 0 if leaves_room else 1, 40, 5, 0]
        assert await asyncio.create_task(ask("ann", 200)) == 200  # alone again

    encode_with(body, max_waiting=200, leaves_room=leaves_room)


def test_a_request_whose_time_is_up_is_told_so_and_its_texts_wait_no_more(encode_with, embed):
    async def body(encoder):
        held = await hold(encoder, embed)
        with pytest.raises(DeadlineError, match="within 0.05 s"):
            await encoder.encode(["late"], timeout_s=0.05)
        assert encoder.n_waiting == 0
        embed.gate.set()
        await held

    encode_with(body)
    assert embed.batches == [["held"]]


def test_one_who_goes_away_takes_its_texts_along(encode_with, embed):
    async def body(encoder):
        held = await hold(encoder, embed)
        gone = asyncio.create_task(encoder.encode(["gone"] * 5))
        stays = asyncio.create_task(encoder.encode(["stays"]))
        await wait_until(lambda: encoder.n_requests == 2)
        gone.cancel()
        await asyncio.wait([gone])
        assert encoder.n_waiting == 1
        held.cancel()
        embed.gate.set()
        await stays

    encode_with(body)
    assert embed.batches == [["held"], ["stays"]]


def test_a_batch_that_fails_is_told_to_its_callers_alone(encode_with, embed):
    async def body(encoder):
        held = await hold(encoder, embed)
        failing = asyncio.create_task(encoder.encode(["bad", "one two three four five six"]))
        beside = asyncio.create_task(encoder.encode(["good"]))
        apart = asyncio.create_task(encoder.encode(["a b c d e f g h i j"]))
        await wait_until(lambda: encoder.n_requests == 3)
        embed.gate.set()
        return await asyncio.gather(held, failing, beside, apart, return_exceptions=True)

    held, failing, beside, apart = encode_with(body, max_batch_tokens=10)
    assert isinstance(failing, ModelError)
    assert isinstance(beside, ModelError), "it was in the batch"
    assert (held.n_tokens, apart.n_tokens) == (1, 10)


def test_an_embedder_that_gives_too_few_vectors_is_an_error_and_not_a_wait_for_ever(encode_with):
    async def body(encoder):
        with pytest.raises(ValueError, match="zip"):
            await encoder.encode(["a", "b"], timeout_s=20.0)

    encode_with(body, embed=lambda texts: HashingEmbedder().embed_passages(texts[:1]))


def test_a_model_gives_in_batches_what_it_gives_one_at_a_time(encode_with, rng):
    settings = EmbedderSettings()
    embedder = open_embedder(settings)
    asked = [make_texts(rng, n, longest=20) for n in (1, 5, 12)]

    async def body(encoder):
        return await asyncio.gather(*map(encoder.encode, asked))

    answers = encode_with(body, embed=embedder.embed_passages, count=open_counter(settings))
    for texts, answer in zip(asked, answers, strict=True):
        alone = np.concatenate([embedder.embed_passages([text]) for text in texts])
        assert np.abs(answer.vectors - alone).max() < 1e-5
