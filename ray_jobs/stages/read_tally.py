"""What one task reads of a source, counted: documents and dead letters by file, matches by field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from eagleray.contracts.documents import DeadLetter
from eagleray.contracts.sources import RawRecord
from eagleray.documents.mapping import Mapping
from eagleray.documents.mapping_matches import MAX_NAMES, MatchCounter
from ray_jobs.dead_letters import Faults, TaskLetters

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTally:
    """What was read of a source, or of some splits of it.

    Attributes:
        documents: file, or other part of a source, as rows name it -> documents.
        faults: file -> reason -> pieces that were set aside.
        n_records: records that the mapping was applied to.
        matches: field of the mapping -> records in which each of its places held the value.
        names: of fields that some of the records have, in order.
    """

    documents: dict[str, int] = field(default_factory=dict)
    faults: Faults = field(default_factory=dict)
    n_records: int = 0
    matches: dict[str, tuple[int, ...]] = field(default_factory=dict)
    names: tuple[str, ...] = ()


class TallyingReader(Generic[T]):
    """Makes of each record what a task needs, and counts on the way.

    Args:
        make: makes it of a record, or says why it cannot.
        mapping: whose fields are counted; `None` for none.
    """

    def __init__(self, make: Callable[[RawRecord], T | DeadLetter], mapping: Mapping | None) -> None:
        self.letters = TaskLetters()
        self._make = make
        self._matches = MatchCounter(mapping)
        self._documents = Counter[str]()

    def read(self, item: RawRecord | DeadLetter) -> T | None:
        """Return what a record is made into; `None` where it is set aside."""
        if isinstance(item, DeadLetter):
            self.letters.add(item)
            return None
        self._matches.add(item)
        made = self._make(item)
        if isinstance(made, DeadLetter):
            self.letters.add(made)
            return None
        self._documents[item.origin.uri] += 1
        return made

    def close(self) -> ReadTally:
        """Return what was counted."""
        return ReadTally(
            documents=dict(self._documents),
            faults=self.letters.faults,
            n_records=self._matches.n_records,
            matches=self._matches.close(),
            names=tuple(sorted(self._matches.names)),
        )


def add_tallies(tallies: Sequence[ReadTally]) -> ReadTally:
    """Return what was read in all."""
    documents, faults = Counter[str](), dict[str, Counter[str]]()
    matches: dict[str, tuple[int, ...]] = {}
    for tally in tallies:
        documents.update(tally.documents)
        for source, reasons in tally.faults.items():
            faults.setdefault(source, Counter()).update(reasons)
        for name, counts in tally.matches.items():
            before = matches.get(name, (0,) * len(counts))
            matches[name] = tuple(map(sum, zip(before, counts, strict=True)))
    return ReadTally(
        documents=dict(documents),
        faults={source: dict(reasons) for source, reasons in faults.items()},
        n_records=sum(tally.n_records for tally in tallies),
        matches=matches,
        names=tuple(sorted({name for tally in tallies for name in tally.names}))[:MAX_NAMES],
    )
