"""Buckets, vectors and notices of several processes' parts, over a real Redis."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from eagleray.embedders.hashing import HashingEmbedder, count_words
from eagleray.errors import QuotaError
from serve.composition.sharing import make_sharing
from serve.engine.encoding import Encoder, EncoderLimits
from serve.engine.question_vectors import QuestionVectors
from serve.engine.quotas import Quota
from serve.engine.shared.sealing import Sealer
from serve.redis.client import RedisBuckets, make_client
from tests.integration.redis.conftest import make_settings
from tests.unit.serve.engine.test_encoding import GatedEmbedder
from tests.waiting import wait_until

IDENTITY = HashingEmbedder().identity


def test_what_one_process_embedded_another_one_finds_to_the_bit(redis_server, secret, runner, plain):
    settings = make_settings(redis_server.url, secret=secret)

    async def find(embed, question, settings=settings):
        sharing = make_sharing(settings)
        encoder = Encoder(embed, count=count_words, limits=EncoderLimits(max_tokens=None, least_fill=1.0))
        vectors = QuestionVectors(encoder, shared=sharing.share_vectors(IDENTITY))
        found = await vectors.find(question, timeout_s=10.0)
        await vectors.close()
        await sharing.close()
        return found

    first, second, third = GatedEmbedder(), GatedEmbedder(), GatedEmbedder()
    made = runner.run(find(first, "swap curve"))
    found = runner.run(find(second, "swap curve"))
    assert made.tobytes() == found.tobytes()
    assert found.dtype == np.float32
    assert (first.batches, second.batches) == ([["swap curve"]], [])
    other = make_settings(redis_server.url, secret=f"{secret} other")
    runner.run(find(third, "swap curve", other))
    assert third.batches == [["swap curve"]]
    assert all(b"swap" not in name for name in plain.scan_iter("eagleray:vector:*"))


def test_a_changed_vector_is_not_taken(redis_server, secret, runner, plain):
    settings, digest = make_settings(redis_server.url, secret=secret), bytes(32)
    vector = np.arange(IDENTITY.dim, dtype=np.float32)

    async def body():
        sharing = make_sharing(settings)
        shared = sharing.share_vectors(IDENTITY)
        cache = sharing.collector.caches["vector"]
        before = {*plain.scan_iter("eagleray:vector:*")}
        await shared.keep(digest, vector)
        await cache.settle()
        assert np.array_equal(await shared.find(digest), vector)
        (name,) = {*plain.scan_iter("eagleray:vector:*")} - before
        stored = plain.get(name)
        assert 0 < plain.ttl(name) <= settings.redis.ttl_s
        for wrong in (stored[:-1], stored[:40], b"", b"\0" * len(stored), stored + b"\0"):
            plain.set(name, wrong)
            assert await shared.find(digest) is None
        assert cache.counts.n_rejected == 5
        await sharing.close()

    runner.run(body())


def test_processes_that_share_a_bucket_take_together_what_one_may(redis_server, secret, runner):
    settings = make_settings(redis_server.url, secret=secret)

    async def body():
        sharing = [make_sharing(settings) for _ in range(4)]
        quotas = [
            Quota(0.001, burst_s=40_000.0, what="requests", shared=item.share_buckets()) for item in sharing
        ]

        async def take(quota, subject):
            try:
                await quota.take(subject)
            except QuotaError as refused:
                assert refused.retry_after_s > 0
                return 0
            return 1

        for subject in ("ann", "bob"):
            taken = await asyncio.gather(*(take(quotas[n % 4], subject) for n in range(100)))
            assert sum(taken) == 40
        assert all(item.collector.guard.n_failed == 0 for item in sharing)
        assert all(not quota.n_holders for quota in quotas)
        for item in sharing:
            await item.close()

    runner.run(body())


def test_a_bucket_fills_by_time_is_overdrawn_by_much_at_once_and_forgotten_when_full(
    redis_server, secret, runner, plain
):
    name = Sealer(secret).name("quota", "ann")

    async def body():
        client = make_client(make_settings(redis_server.url).redis, redis_server.url)
        buckets = RedisBuckets(client)
        first = await buckets.take(name, 25, per_s=10.0, most=5.0)
        assert (first.is_taken, first.left) == (True, -20.0)
        second = await buckets.take(name, 1, per_s=10.0, most=5.0)
        assert not second.is_taken
        assert -20.0 <= second.left < -10.0
        assert 2_000 < plain.pttl(name) <= 3_600
        began = time.monotonic()
        third = second
        while not third.is_taken:
            await asyncio.sleep(0.05)
            third = await buckets.take(name, 1, per_s=10.0, most=5.0)
        assert 1.5 < time.monotonic() - began < 10.0
        await client.aclose()

    runner.run(body())


def test_while_redis_is_away_each_process_takes_of_its_own_buckets(own_redis, runner):
    settings = make_settings(own_redis.url, pause_s=0.01)

    async def body():
        sharing = make_sharing(settings)
        quota = Quota(0.001, burst_s=2_000.0, what="requests", shared=sharing.share_buckets())
        await quota.take("ann", 2)
        own_redis.kill()
        await quota.take("ann", 2)
        with pytest.raises(QuotaError):
            await quota.take("ann")
        own_redis.start()
        await asyncio.sleep(0.05)
        await quota.take("ann", 2)
        await sharing.close()

    runner.run(body())


class Follower:
    """What notices are told to."""

    def __init__(self):
        self.heard, self.on_move = 0, None

    def notify(self, *, is_told=False):
        assert is_told
        self.heard += 1

    def watch(self, on_move):
        self.on_move = on_move


def test_a_move_is_heard_by_all_who_serve_the_alias_also_after_redis_came_back(own_redis, runner):
    settings = make_settings(own_redis.url, pause_s=0.05)

    async def body():
        served = [("notes", "live"), ("notes", "live"), ("notes", "next"), ("bonds", "live")]
        sharing = [make_sharing(settings) for _ in range(3)]
        followers = [Follower() for _ in served]
        for follower, item, (name, alias) in zip(followers, (*sharing, sharing[1]), served, strict=True):
            item.share_moves(follower, collection=name, alias=alias)
        await wait_until(lambda: all(follower.heard for follower in followers))
        before = [follower.heard for follower in followers]
        followers[0].on_move()
        await wait_until(lambda: followers[1].heard > before[1])
        await asyncio.sleep(0.1)
        assert [follower.heard for follower in followers[2:]] == before[2:]
        own_redis.kill()
        await wait_until(lambda: not any(item.collector.notices.is_listening for item in sharing))
        followers[0].on_move()
        own_redis.start()
        await wait_until(lambda: all(item.collector.notices.is_listening for item in sharing))
        before = followers[1].heard
        await asyncio.sleep(0.1)
        followers[0].on_move()
        await wait_until(lambda: followers[1].heard > before)
        for item in sharing:
            await item.close()

    runner.run(body())


GARBAGE = [
    b"\x00\xff" * 500,
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"$5\r\nabc",
    b"*-7\r\n",
    b":1\r\n" * 50,
    b"+OK\r\n" * 9,
]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_is_as_if_nothing_were_there(garbage, runner):
    async def speak(reader, writer):
        while await reader.read(4096):
            writer.write(garbage)
            await writer.drain()
        writer.close()

    async def body():
        server = await asyncio.start_server(speak, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        settings = make_settings(f"redis://127.0.0.1:{port}/0", timeout_s=0.05, pause_s=0.01)
        sharing, follower = make_sharing(settings), Follower()
        sharing.share_moves(follower, collection="notes", alias="live")
        shared, buckets = sharing.share_vectors(IDENTITY), sharing.share_buckets()
        quota = Quota(0.001, burst_s=10_000.0, what="requests", shared=buckets)
        began = time.monotonic()
        for n in range(10):
            assert await shared.find(bytes([n]) * 32) is None
            await shared.keep(bytes([n]) * 32, np.zeros(IDENTITY.dim, np.float32))
            await asyncio.sleep(0.01)
        for _ in range(10):
            await quota.take("ann")
        assert time.monotonic() - began < 5.0
        await sharing.close()
        server.close()

    runner.run(body())
