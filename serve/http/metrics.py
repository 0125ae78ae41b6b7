"""The metrics of one application: what requests came, how they ended and how long they took.

Labels are bounded: templates of routes, known methods, statuses, so many collections. No metric names a
caller, a group or a text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from itertools import product
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from serve.engine.queue_states import ReadsQueues
from serve.http.collection_measures import MeasureCollector, ReadsMeasures
from serve.http.state_metrics import ObservedCollection, QueueCollector, StateCollector

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
    ANSWER = "answer"


class Metrics:
    """Counts in a registry of its own; runs in one event loop."""

    def __init__(
        self,
        *,
        list_collections: Callable[[], Sequence[ObservedCollection]],
        list_failing: Callable[[], Collection[str]] = tuple,
        read_queues: ReadsQueues,
        read_measures: ReadsMeasures,
    ) -> None:
        """Take what is read when metrics are asked for.

        Args:
            list_collections: returns those that are served, in an order that stays.
            list_failing: returns the names of those that are published and could not be opened.
            read_queues: returns what waits in each queue.
            read_measures: returns how large and how fresh each collection is.
        """
        self._list_collections, self._list_failing = list_collections, list_failing
        self._read_queues, self._read_measures = read_queues, read_measures
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

    async def show(self, may_see: Callable[[str], bool] | None = None, *, tells_rows: bool = False) -> bytes:
        """Return everything, in Prometheus's text format.

        Args:
            may_see: says whether a collection is there for who reads, where not every one is; then only where
                those stand is told, for what requests did is counted for all collections together.
            tells_rows: whether who reads may know of rows of everybody, how many they are and how new.
        """
        state = self._read_state(may_see or (lambda _: True))
        if tells_rows:
            measured = await self._read_measures()
            seen = {name: found for name, found in measured.items() if may_see is None or may_see(name)}
            state.register(MeasureCollector(seen))
        if may_see is not None:
            return generate_latest(state)
        state.register(QueueCollector(await self._read_queues()))
        return generate_latest(self._registry) + generate_latest(state)

    def _read_state(self, may_see: Callable[[str], bool]) -> CollectorRegistry:
        state = CollectorRegistry()
        served = [collection for collection in self._list_collections() if may_see(collection.name)]
        n_failing = sum(map(may_see, self._list_failing()))
        state.register(StateCollector(served=served, n_failing=n_failing))
        return state
