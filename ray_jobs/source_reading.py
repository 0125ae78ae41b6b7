"""What a run has read of its source, and what is known of the source after it.

Pure: tasks count, the record of the source says what the runs before have found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from eagleray.contracts.sources import Position
from eagleray.documents.mapping_matches import MappedField
from indexes.runs.unread import SourceRecord, TriedPart
from ray_jobs.dead_letters import Faults
from ray_jobs.stages.read_tally import ReadTally


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSource:
    """The source of a run, before and after.

    Attributes:
        name: that rows are filed under.
        is_stream: whether its parts are read on and on, and never again.
        before: position that the run goes on from.
        after: position it comes to.
        passed_over: what is not read -> how much of it there is.
        mapping: digest of what makes documents of its records.
        fields: of the mapping.
    """

    name: str
    is_stream: bool
    before: Position
    after: Position
    passed_over: Mapping[str, int]
    mapping: str
    fields: tuple[MappedField, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a run has read of its source so far.

    Attributes:
        documents: part -> documents of it that nothing set aside.
        faults: part -> reason -> pieces that were set aside.
        tally: as tasks counted it, before later stages set anything aside.
    """

    documents: Mapping[str, int] = field(default_factory=dict)
    faults: Faults = field(default_factory=dict)
    tally: ReadTally = field(default_factory=ReadTally)

    @property
    def n_documents(self) -> int:
        """Documents that were read."""
        return sum(self.tally.documents.values())

    @property
    def n_dead_letters(self) -> int:
        """Pieces that were set aside."""
        return sum(sum(reasons.values()) for reasons in self.faults.values())

    @property
    def parts(self) -> frozenset[str]:
        """Parts that something came of."""
        return frozenset(self.documents.keys() | self.faults.keys())


def gather_reading(source: str, tally: ReadTally, later: Iterable[Faults]) -> Reading:
    """Return what was read of a source, less what later stages set aside."""
    prefix = f"{source}/"
    documents = Counter({uri.removeprefix(prefix): n for uri, n in tally.documents.items()})
    faults = {uri.removeprefix(prefix): Counter(reasons) for uri, reasons in tally.faults.items()}
    for found in later:
        for uri, reasons in found.items():
            part = uri.removeprefix(prefix)
            documents[part] -= sum(reasons.values())
            faults.setdefault(part, Counter()).update(reasons)
    return Reading(documents=+documents, faults={part: dict(n) for part, n in faults.items()}, tally=tally)


def update_record(record: SourceRecord, source: ReadSource, reading: Reading, *, run: str) -> SourceRecord:
    """Return what is known of a source after a run.

    Args:
        record: what was known before.
        source: of the run.
        reading: what the run has read of it.
        run: its id.
    """
    tried: dict[str, tuple[TriedPart, ...]] = {}
    for part in record.tried.keys() | reading.faults.keys():
        before = record.tried.get(part, ())
        if source.is_stream:
            entries = _append_to_stream(before, part, reading, run=run)
        elif part in reading.parts:
            entries = _try_again(before, part, source, reading, run=run)
        else:
            entries = tuple(entry for entry in before if entry.mark == source.after.get(part))[-1:]
        if any(entry.runs for entry in entries):
            tried[part] = entries
    matched = {name for name, counts in reading.tally.matches.items() if any(counts)}
    if record.mapping == source.mapping:
        matched |= set(record.matched)
    return SourceRecord(
        source=source.name, mapping=source.mapping, matched=tuple(sorted(matched)), tried=tried
    )


def _append_to_stream(
    before: Sequence[TriedPart], part: str, reading: Reading, *, run: str
) -> tuple[TriedPart, ...]:
    runs = before[-1].runs if before else ()
    if part in reading.faults and run not in runs:
        runs = (*runs, run)
    return (TriedPart(mark="", runs=runs),)


def _try_again(
    before: Sequence[TriedPart], part: str, source: ReadSource, reading: Reading, *, run: str
) -> tuple[TriedPart, ...]:
    mark = source.after.get(part, "")
    now = TriedPart(
        mark=mark,
        runs=(run,) if part in reading.faults else (),
        has_documents=part in reading.documents,
    )
    published = source.before.get(part)
    return (*(entry for entry in before if entry.mark == published != mark), now)
