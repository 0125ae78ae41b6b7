"""The metrics of one application: what requests came, how they ended and how long they took.

Labels are bounded: templates of routes, known methods, statuses. No metric names a caller, a group or a text.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from itertools import product
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from serve.audit.counts import AuditCounts
from serve.engine.ports import AliasWatcherPort, AnswererPort
from serve.http.state_metrics import StateCollector

MEDIA_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
OTHER: Final = "other"
"""Stands for every path without a route, and for every method that HTTP does not define."""

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_OUTCOMES: Final = ("answered", "refused", "timed_out", "invalid", "failed")


class AskedKind(StrEnum):
    """What a snapshot is asked."""

    SEARCH = "search"
    BATCH = "batch"
    FACETS = "facets"
    DOCUMENT = "document"


class Metrics:
    """Counts in a registry of its own; runs in one event loop."""

    def __init__(
        self,
        *,
        collection: str,
        watcher: AliasWatcherPort,
        answerer: AnswererPort,
        audit: Callable[[], AuditCounts],
    ) -> None:
        """Take what is read when metrics are asked for; see `StateCollector`."""
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "eagleray_http_requests",
            "Requests that were answered.",
            ["route", "method", "status"],
            registry=self._registry,
        )
        self._durations = Histogram(
            "eagleray_http_request_duration_seconds",
            "Seconds from the request to the end of its answer.",
            ["route"],
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        self._searches = Counter(
            "eagleray_searches",
            "What a snapshot was asked, by how it ended.",
            ["kind", "outcome"],
            registry=self._registry,
        )
        for kind, outcome in product(AskedKind, _OUTCOMES):
            self._searches.labels(kind=kind, outcome=outcome)
        self._registry.register(
            StateCollector(collection=collection, watcher=watcher, answerer=answerer, audit=audit)
        )
        ProcessCollector(registry=self._registry)

    def add(self, collector: Collector) -> None:
        """Show what another part counts, too."""
        self._registry.register(collector)

    def count_request(self, *, route: str, method: str, status: int, elapsed_s: float) -> None:
        """Count a request that was answered.

        Args:
            route: the template of its path, or `OTHER`.
            method: as it came.
            status: of the answer.
            elapsed_s: seconds to the end of the answer.
        """
        method = method if method in _METHODS else OTHER
        self._requests.labels(route=route, method=method, status=str(status)).inc()
        self._durations.labels(route=route).observe(elapsed_s)

    def count_asked(self, kind: AskedKind, status: int) -> None:
        """Count what a snapshot was asked by the status that it ends with."""
        outcome = {200: "answered", 429: "refused", 504: "timed_out"}.get(status)
        outcome = outcome or ("invalid" if status < 500 else "failed")
        self._searches.labels(kind=kind, outcome=outcome).inc()

    def show(self) -> bytes:
        """Return everything, in Prometheus's text format."""
        return generate_latest(self._registry)
