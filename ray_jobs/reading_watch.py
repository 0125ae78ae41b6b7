"""What a run has read, kept where the next runs find it, and held against what a strict run allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eagleray.contracts.collections import Collection
from eagleray.errors import StrictRunError
from indexes.runs.unread import SourceRecord, read_record, write_record
from ray_jobs.dead_letters import Faults
from ray_jobs.reading_report import ReadingReport
from ray_jobs.source_reading import Reading, ReadSource, gather_reading, update_record
from ray_jobs.stages.read_tally import ReadTally, add_tallies


class ReadingWatch:
    """Looks at a run when it has read its source, and again when it has compared what it read.

    Args:
        collection: that the run delivers into.
        source: that is read.
        run: id of the run.
        allowed: share of files, and of records, that may be refused; `None` where any number may.
    """

    def __init__(
        self, collection: Collection, source: ReadSource, *, run: str, allowed: float | None
    ) -> None:
        self._collection, self._source, self._run, self._allowed = collection, source, run, allowed
        self._before = self._kept = read_record(collection, source.name)
        self._reading = Reading()
        self._record = self._update()

    def look(self, tallies: Sequence[ReadTally], later: Sequence[Faults]) -> None:
        """Take what was read so far, keep what is known of the source after it, and check it.

        Args:
            tallies: of all that was read.
            later: what stages after reading have set aside.

        Raises:
            StrictRunError: more was refused than is allowed, or a field matched nothing.
        """
        self._reading = gather_reading(self._source.name, add_tallies(tallies), later)
        self._record = self._update()
        self._keep()
        self.check()

    def check(self) -> None:
        """Check what is known now, also where the run had nothing to read.

        Raises:
            StrictRunError: more was refused than is allowed, or a field matched nothing.
        """
        if self._kept is not None:
            self._keep()
        report, reading = self._report, self._reading
        excess = () if self._allowed is None else report.find_excess(self._allowed)
        if excess:
            counts = {"documents_read": reading.n_documents, "dead_letters": reading.n_dead_letters}
            shown = {"run": self._run, "changed": False, **counts, **report.show()}
            raise StrictRunError(source=self._source.name, detail="; ".join(excess), report=shown)

    def show(self) -> dict[str, Any]:
        """Return what the report of the run says of the reading."""
        return self._report.show()

    @property
    def _report(self) -> ReadingReport:
        return ReadingReport(source=self._source, reading=self._reading, record=self._record)

    def _keep(self) -> None:
        if self._record != self._kept:
            write_record(self._collection, self._record)
            self._kept = self._record

    def _update(self) -> SourceRecord:
        before = self._before or SourceRecord(source=self._source.name)
        return update_record(before, self._source, self._reading, run=self._run)
