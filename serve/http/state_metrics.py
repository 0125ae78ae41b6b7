"""Where the process stands, read when metrics are asked for; what requests did is in `metrics`.

Labels are bounded: so many collections have their own, however many are served.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from serve.audit.counts import AuditCounts
from serve.engine.ports import AliasWatcherPort, AnswererPort
from serve.engine.queue_states import QueueState

MAX_NAMED: Final = 64
"""Collections that have labels of their own; all others share one."""

_OTHERS: Final = ""
"""Label of the collections beyond those; no collection's name."""


class ObservedCollection(Protocol):
    """What is read of a served collection."""

    @property
    def name(self) -> str:
        """Of the collection."""
        ...

    @property
    def watcher(self) -> AliasWatcherPort:
        """Of its alias; started before metrics are read."""
        ...

    @property
    def answerer(self) -> AnswererPort:
        """Asks its snapshots."""
        ...

    @property
    def counts(self) -> AuditCounts:
        """What its audit log has taken so far."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StateCollector(Collector):
    """Reads the parts of one application, in its event loop.

    Attributes:
        served: collections that are told of, in an order that stays.
        n_failing: how many more are published and could not be opened.
    """

    served: Sequence[ObservedCollection]
    n_failing: int

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of now; seconds, and counts since the process started."""
        yield from _collect_searches(self.served)
        yield from _collect_snapshots(self.served)
        yield from _collect_audit([collection.counts for collection in self.served])
        told = "Collections that are published but could not be opened when last tried."
        yield _gauge("eagleray_collections_not_opened", told, self.n_failing)


@dataclass(frozen=True, slots=True, eq=False)
class QueueCollector(Collector):
    """Tells what waits in each queue, in all processes together."""

    states: Sequence[QueueState]

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of these states."""
        told = {
            "requests_waiting": ("Requests that wait.", "n_requests"),
            "items_waiting": ("Texts, passages, documents or searches that wait.", "n_items"),
            "processes": ("Processes that have the queue and said what waits there.", "n_processes"),
        }
        for name, (text, field) in told.items():
            family = GaugeMetricFamily(f"eagleray_queue_{name}", text, labels=["queue"])
            for state in self.states:
                family.add_metric([state.queue], float(getattr(state, field)))
            yield family


def _collect_searches(served: Sequence[ObservedCollection]) -> Iterator[Metric]:
    n_at_work = sum(collection.answerer.n_at_work for collection in served)
    n_waiting = sum(collection.answerer.n_waiting for collection in served)
    yield _gauge("eagleray_searches_in_flight", "Searches that hold a thread.", n_at_work)
    yield _gauge("eagleray_searches_waiting", "Searches that wait for a thread.", n_waiting)


def _collect_snapshots(served: Sequence[ObservedCollection]) -> Iterator[Metric]:
    """Yield what is told of each snapshot; of collections beyond the named ones, the worst of all."""
    info = InfoMetricFamily("eagleray_snapshot", "The snapshot that new requests get.", labels=["collection"])
    served_s = _labelled("eagleray_snapshot_served_seconds", "Seconds since requests get it.")
    is_wanted = _labelled("eagleray_snapshot_is_wanted", "1 if the alias was read and points to it.")
    age_s = _labelled("eagleray_alias_lookup_age_seconds", "Seconds since the alias was last read.")
    taken = CounterMetricFamily(
        "eagleray_publishes_taken", "Moves of the alias taken up, back too.", labels=["collection"]
    )
    now, others = time.time(), served[MAX_NAMED:]
    for collection in served[:MAX_NAMED]:
        info.add_metric([collection.name], {"snapshot": collection.watcher.state.snapshot})
    for name, watchers in (
        *((collection.name, [collection.watcher]) for collection in served[:MAX_NAMED]),
        *([(_OTHERS, [collection.watcher for collection in others])] if others else []),
    ):
        states = [watcher.state for watcher in watchers]
        served_s.add_metric([name], min(max(0.0, now - state.changed_at) for state in states))
        all_wanted = all(state.snapshot == state.wanted and not state.error for state in states)
        is_wanted.add_metric([name], float(all_wanted))
        age_s.add_metric([name], max(watcher.lookup_age_s for watcher in watchers))
        taken.add_metric([name], sum(watcher.n_taken for watcher in watchers))
    yield from (info, served_s, is_wanted, age_s, taken)


def _collect_audit(counts: Sequence[AuditCounts]) -> Iterator[Metric]:
    n_written = sum(item.n_written for item in counts)
    yield _counter("eagleray_audit_records_written", "Records the store has taken.", n_written)
    refused = "Requests refused because the log could not take them."
    yield _counter("eagleray_audit_records_refused", refused, sum(item.n_refused for item in counts))
    dropped = "Requests answered without a record of their own."
    yield _counter("eagleray_audit_records_dropped", dropped, sum(item.n_dropped for item in counts))
    n_pending = sum(item.n_pending for item in counts)
    yield _gauge("eagleray_audit_records_pending", "Records that wait to be stored.", n_pending)
    failing = "1 if the store took no records of a collection when last tried."
    yield _gauge("eagleray_audit_is_failing", failing, any(item.is_failing for item in counts))


def _labelled(name: str, told: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, told, labels=["collection"])


def _gauge(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, told, value=float(value))


def _counter(name: str, told: str, value: int) -> CounterMetricFamily:
    return CounterMetricFamily(name, told, value=value)
