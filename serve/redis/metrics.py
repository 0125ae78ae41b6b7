"""What is shared through Redis, and how Redis fares, read when metrics are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from serve.engine.shared.breaker import BreakerState
from serve.engine.shared.cache import SharedCache
from serve.engine.shared.guarding import Guard
from serve.redis.notices import Notices


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RedisCollector(Collector):
    """Reads the parts of one process, in its event loop.

    Attributes:
        guard: of all commands.
        caches: by what they hold.
        notices: of aliases, where they are listened to.
    """

    guard: Guard
    caches: Mapping[str, SharedCache]
    notices: Notices | None

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of now; counts since the process started."""
        told = "1 if Redis is asked; 0 while it is left alone after a failure."
        is_asked = self.guard.state is not BreakerState.OPEN
        yield GaugeMetricFamily("eagleray_redis_is_asked", told, value=float(is_asked))
        commands = CounterMetricFamily(
            "eagleray_redis_commands", "Commands by how they ended.", labels=["outcome"]
        )
        commands.add_metric(["answered"], self.guard.n_answered)
        commands.add_metric(["failed"], self.guard.n_failed)
        commands.add_metric(["left_out"], self.guard.n_left_out)
        yield commands
        yield from self._collect_caches()
        if self.notices is not None:
            told = "1 if notices of all moved aliases would be heard."
            yield GaugeMetricFamily(
                "eagleray_redis_is_listening", told, value=float(self.notices.is_listening)
            )
            yield CounterMetricFamily("eagleray_redis_notices", "Notices heard.", value=self.notices.n_heard)

    def _collect_caches(self) -> Iterator[Metric]:
        found = CounterMetricFamily(
            "eagleray_redis_lookups", "Values asked for.", labels=["cache", "outcome"]
        )
        kept = CounterMetricFamily("eagleray_redis_stores", "Values made.", labels=["cache", "outcome"])
        for name, cache in self.caches.items():
            counts = cache.counts
            found.add_metric([name, "found"], counts.n_found)
            found.add_metric([name, "missed"], counts.n_missed)
            found.add_metric([name, "rejected"], counts.n_rejected)
            kept.add_metric([name, "kept"], counts.n_kept)
            kept.add_metric([name, "dropped"], counts.n_dropped)
        yield found
        yield kept
