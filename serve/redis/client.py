"""The client of Redis, and what it does for the parts that are shared."""

from __future__ import annotations

from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from eagleray.setting_groups.redis import RedisSettings
from serve.engine.quotas import Taken

_MAX_CONNECTIONS: Final = 256

_TAKE: Final = """
local per_s, most, n = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1e6
local kept = redis.call('HMGET', KEYS[1], 'left', 'at')
local left, at = tonumber(kept[1]) or most, tonumber(kept[2]) or now
left = math.min(most, left + math.max(0, now - at) * per_s)
local is_taken = 0
if left >= math.min(n, most) then
  left = left - n
  is_taken = 1
end
redis.call('HSET', KEYS[1], 'left', string.format('%.17g', left), 'at', string.format('%.17g', now))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil((most - left) / per_s * 1000) + 1000))
return {is_taken, string.format('%.17g', left)}
"""
"""Fills a bucket by Redis's own clock and takes of it, at once; a full one is forgotten. See `Quota`."""


def make_client(settings: RedisSettings, url: str) -> Redis:
    """Return a client that gives up early, and tries nothing twice; it connects when it is first used.

    Args:
        settings: the password, and how long connecting and a command may take.
        url: where Redis is.
    """
    password = None if settings.password is None else settings.password.get_secret_value()
    client: Redis = Redis.from_url(
        url,
        protocol=2,
        socket_timeout=settings.timeout_s,
        socket_connect_timeout=settings.timeout_s,
        retry=Retry(NoBackoff(), 0),
        max_connections=_MAX_CONNECTIONS,
        driver_info=None,
        password=password,  # the URL's own goes before it
    )
    return client


class RedisValues:
    """Implements `CachePort`."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def get(self, name: bytes) -> bytes | None:
        """Return what is stored under a name.

        Raises:
            TypeError: what came is no value.
        """
        value = await self._client.get(name)
        if value is not None and not isinstance(value, bytes):
            raise TypeError(f"expected bytes, found {type(value).__name__}")
        return value

    async def put(self, name: bytes, value: bytes, ttl_s: int) -> None:
        """Store a value for so many seconds."""
        await self._client.set(name, value, ex=ttl_s)


class RedisBuckets:
    """Implements `BucketPort` with a script, so that several processes take of one bucket in turn."""

    def __init__(self, client: Redis) -> None:
        self._take = client.register_script(_TAKE)

    async def take(self, name: bytes, n: int, *, per_s: float, most: float) -> Taken:
        """Take `n` of a bucket, or nothing.

        Raises:
            TypeError, ValueError: what came is no such answer.
        """
        is_taken, left = await self._take(keys=[name], args=[repr(per_s), repr(most), n])
        return Taken(is_taken=bool(int(is_taken)), left=float(left))
