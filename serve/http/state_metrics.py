"""Where the process stands, read when metrics are asked for; what requests did is in `metrics`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from serve.audit.counts import AuditCounts
from serve.engine.ports import AliasWatcherPort, AnswererPort


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCollector(Collector):
    """Reads the parts of one application, in its event loop.

    Attributes:
        collection: name of the one that is served.
        watcher: of its alias; started before metrics are read.
        answerer: asks its snapshots.
        audit: returns what the audit log has taken so far.
    """

    collection: str
    watcher: AliasWatcherPort
    answerer: AnswererPort
    audit: Callable[[], AuditCounts]

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of now; seconds, and counts since the process started."""
        yield from self._collect_searches()
        yield from self._collect_snapshot()
        yield from self._collect_audit()

    def _collect_searches(self) -> Iterator[Metric]:
        n_at_work, n_waiting = self.answerer.n_at_work, self.answerer.n_waiting
        yield _gauge("eagleray_searches_in_flight", "Searches that hold a thread.", n_at_work)
        yield _gauge("eagleray_searches_waiting", "Searches that wait for a thread.", n_waiting)

    def _collect_snapshot(self) -> Iterator[Metric]:
        state = self.watcher.state
        info = InfoMetricFamily("eagleray_snapshot", "The snapshot that new requests get.")
        info.add_metric([], {"collection": self.collection, "snapshot": state.snapshot})
        yield info
        served_s = max(0.0, time.time() - state.changed_at)
        is_wanted = state.snapshot == state.wanted and not state.error
        yield _gauge("eagleray_snapshot_served_seconds", "Seconds since requests get it.", served_s)
        yield _gauge("eagleray_snapshot_is_wanted", "1 if the alias was read and points to it.", is_wanted)
        lookup_age_s = self.watcher.lookup_age_s
        yield _gauge(
            "eagleray_alias_lookup_age_seconds", "Seconds since the alias was last read.", lookup_age_s
        )
        yield _counter(
            "eagleray_publishes_taken", "Moves of the alias taken up, back too.", self.watcher.n_taken
        )

    def _collect_audit(self) -> Iterator[Metric]:
        counts = self.audit()
        yield _counter("eagleray_audit_records_written", "Records the store has taken.", counts.n_written)
        refused = "Requests refused because the log could not take them."
        yield _counter("eagleray_audit_records_refused", refused, counts.n_refused)
        dropped = "Requests answered without a record of their own."
        yield _counter("eagleray_audit_records_dropped", dropped, counts.n_dropped)
        yield _gauge("eagleray_audit_records_pending", "Records that wait to be stored.", counts.n_pending)
        failing = "1 if the store took no records when last tried."
        yield _gauge("eagleray_audit_is_failing", failing, counts.is_failing)


def _gauge(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, told, value=float(value))


def _counter(name: str, told: str, value: int) -> CounterMetricFamily:
    return CounterMetricFamily(name, told, value=value)
