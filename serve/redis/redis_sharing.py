"""What one serving process shares with others through Redis, made of its settings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict

from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.digests import digest_json
from eagleray.setting_groups.redis import RedisSettings
from serve.engine.alias_watcher import AliasWatcher
from serve.engine.searching import SearchPort
from serve.engine.shared.breaker import Breaker
from serve.engine.shared.buckets import CountedBuckets
from serve.engine.shared.cache import VECTORS, CachedVectors, SharedCache
from serve.engine.shared.guarding import Guard
from serve.engine.shared.sealing import Sealer
from serve.engine.shared.searches import RESULTS, RememberedSearches
from serve.engine.snapshot_pool import Engine
from serve.engine.threads import Work, run_in_thread
from serve.redis.client import RedisBuckets, RedisValues, make_client
from serve.redis.metrics import RedisCollector
from serve.redis.notices import Notices


class Sharing:
    """Makes the shared parts of a process over one client; runs in one event loop."""

    def __init__(
        self,
        settings: RedisSettings,
        *,
        url: str,
        secret: str,
        describe_basis: Callable[[EmbedderIdentity], str],
        timeout_s: float,
    ) -> None:
        """Take the settings; nothing connects before it is used.

        Args:
            settings: how much is shared, and how long Redis may take.
            url: where Redis is.
            secret: that names and values are derived from.
            describe_basis: returns what the bits of an answer depend on beside its request and its snapshot;
                called in a thread.
            timeout_s: seconds that one who waits for the same answer does so.
        """
        self._settings, self._describe_basis, self._timeout_s = settings, describe_basis, timeout_s
        self._client, self._sealer = make_client(settings, url), Sealer(secret)
        self._guard = Guard(Breaker(pause_s=settings.pause_s), timeout_s=settings.timeout_s)
        self._caches: dict[str, SharedCache] = {}
        self._basis: str | None = None
        self._notices: Notices | None = None
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def collector(self) -> RedisCollector:
        """What Prometheus is told."""
        return RedisCollector(guard=self._guard, caches=self._caches, notices=self._notices)

    def share_buckets(self) -> CountedBuckets:
        """Return the buckets of all processes, one for each caller and collection."""
        return CountedBuckets(RedisBuckets(self._client), self._guard, self._sealer)

    def share_vectors(self, identity: EmbedderIdentity) -> CachedVectors:
        """Return the memory of questions' vectors, as an embedder makes them."""
        cache, digest = self._open_cache(VECTORS, max_bytes=identity.dim * 4), digest_json(asdict(identity))
        return CachedVectors(cache, self._sealer, embedder=digest, dim=identity.dim)

    async def share_answers(
        self,
        searches: SearchPort,
        *,
        collection: str,
        watcher: AliasWatcher[Engine],
        identity: EmbedderIdentity,
    ) -> SearchPort:
        """Return searches that remember their answers, where the settings want that.

        Args:
            searches: answer what is not remembered.
            collection: that they search.
            watcher: of its alias.
            identity: of what embeds their questions; the same for all collections.

        Raises:
            ModelError: the reranker cannot be loaded.
        """
        if not self._settings.results:
            return searches
        if self._basis is None:
            self._basis = await run_in_thread(Work.SHARED, self._describe_basis, identity)
        return RememberedSearches(
            searches,
            self._open_cache(RESULTS, max_bytes=self._settings.max_result_bytes),
            self._sealer,
            watcher=watcher,
            basis=digest_json([self._basis, collection]),
            timeout_s=self._timeout_s,
        )

    def share_moves(self, watcher: AliasWatcher[Engine], *, collection: str, alias: str) -> None:
        """Tell other servers of an alias where a watcher finds it moved, and have it look when they do."""
        channel = self._sealer.name("moves", collection, alias)
        if self._notices is None:
            self._notices = Notices(self._client, self._guard, pause_s=self._settings.pause_s)
            self._notices.start()
        notices = self._notices

        def tell() -> None:
            telling = asyncio.create_task(notices.tell(channel))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)

        watcher.watch(tell)
        notices.listen_to(channel, lambda: watcher.notify(is_told=True))

    async def close(self) -> None:
        """End what was begun, and the connections."""
        if self._notices is not None:
            await self._notices.close()
        await asyncio.gather(*self._telling, *(cache.settle() for cache in self._caches.values()))
        await self._client.aclose()

    def _open_cache(self, kind: str, *, max_bytes: int) -> SharedCache:
        """Return the cache of a kind, the same one for all collections."""
        if kind not in self._caches:
            ttl_s, values = self._settings.ttl_s, RedisValues(self._client)
            self._caches[kind] = SharedCache(
                values, self._guard, self._sealer, ttl_s=ttl_s, max_bytes=max_bytes
            )
        return self._caches[kind]
