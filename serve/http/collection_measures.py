"""How large and how fresh collections are, and what their sources hold unread, for metrics.

These count rows of everybody: only those who may operate a collection are told.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol, TypeAlias

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from eagleray.errors import EagleRayError
from eagleray.logs import get_logger
from indexes.inspecting import CollectionMeasures
from indexes.runs.ended import EndedRun
from serve.engine.coalescing import CoalescedCalls
from serve.engine.threads import Work, run_in_thread
from serve.http.state_metrics import MAX_NAMED

_KEPT_S: Final = 15.0
"""Seconds that measures stand: the store is read no more often, whoever reads metrics."""

ReadsMeasures: TypeAlias = Callable[[], Awaitable[Mapping[str, CollectionMeasures]]]
"""Returns name -> measures of a collection."""

_log = get_logger()


class MeasuredCollection(Protocol):
    """A collection that can be measured."""

    @property
    def name(self) -> str:
        """Of the collection."""
        ...

    def measure(self) -> CollectionMeasures:
        """Read the store; called in a thread."""
        ...


class MeasureReader:
    """Measures the first collections that are served, in one event loop.

    Args:
        list_collections: returns those that are served, in an order that stays.
    """

    def __init__(self, list_collections: Callable[[], Sequence[MeasuredCollection]]) -> None:
        self._list_collections = list_collections
        self._calls = CoalescedCalls(kept_s=_KEPT_S)

    async def read(self) -> Mapping[str, CollectionMeasures]:
        """Return name -> measures, a few seconds old at most; one that cannot be measured is left out."""
        return await self._calls.ask("all", self._read)

    async def _read(self) -> Mapping[str, CollectionMeasures]:
        return await run_in_thread(Work.FOLLOWING, _measure, self._list_collections()[:MAX_NAMED])


def _measure(collections: Sequence[MeasuredCollection]) -> Mapping[str, CollectionMeasures]:
    found = {}
    for collection in collections:
        try:
            found[collection.name] = collection.measure()
        except EagleRayError as error:
            _log.warning("collection_not_measured", collection=collection.name, error=type(error).__name__)
    return found


class MeasureCollector(Collector):
    """Tells the measures of collections."""

    def __init__(self, measured: Mapping[str, CollectionMeasures]) -> None:
        self._measured = measured

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of these measures."""
        now = time.time()
        told: dict[str, tuple[str, Callable[[CollectionMeasures], float | None]]] = {
            "rows": ("Rows of the published snapshot.", lambda found: found.n_rows),
            "documents": ("Documents of it that nothing has ended.", lambda found: found.n_documents),
            "newest_row_age_seconds": (
                "Seconds since its newest row became known.",
                lambda found: None if found.newest_known is None else now - found.newest_known / 1e6,
            ),
            "published_age_seconds": (
                "Seconds since its alias was moved.",
                lambda found: now - found.moved_at / 1e6,
            ),
            "unread_parts": ("Files of its sources with dead letters.", lambda found: found.n_unread),
        }
        for name, (text, find) in told.items():
            family = GaugeMetricFamily(f"eagleray_collection_{name}", text, labels=["collection"])
            for collection, found in self._measured.items():
                value = find(found)
                if value is not None:
                    family.add_metric([collection], value)
            yield family
        yield from _collect_last_runs(
            {name: found.last_run for name, found in self._measured.items() if found.last_run is not None}
        )


def _collect_last_runs(ended: Mapping[str, EndedRun]) -> Iterator[Metric]:
    """Yield how the last run of each collection ended."""
    now, prefix = time.time(), "eagleray_collection_last_run"
    age_s = GaugeMetricFamily(
        f"{prefix}_age_seconds", "Seconds since its last run ended.", labels=["collection"]
    )
    failed = GaugeMetricFamily(f"{prefix}_failed", "1 if that run failed.", labels=["collection"])
    documents = GaugeMetricFamily(
        f"{prefix}_documents", "What that run did, by result.", labels=["collection", "result"]
    )
    for collection, run in ended.items():
        age_s.add_metric([collection], now - run.ended_at / 1e6)
        failed.add_metric([collection], float(bool(run.error)))
        for result, n in run.counts.items():
            documents.add_metric([collection, result], n)
    yield from (age_s, failed, documents)
