"""Asks recorded questions again, on the snapshots that answered them, and compares ids and scores exactly.

A question is asked by the entitlements that held when it was answered: a replay proves what was told then, to
whoever may read the log, and tells ids and scores alone, never a text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol, Self

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.contracts.ports import SearchEngine
from eagleray.errors import EagleRayError, NotPublishedError
from serve.audit.entries import BEGUN, OK, read_ruling
from serve.audit.kinds import KINDS
from serve.audit.record import Record, RecordKind, hash_record
from serve.audit.request_entries import RecordedRequest, explain_unreadable, read_request
from serve.audit.request_kinds import RequestKinds

MAX_SKIPPED: Final = 100
"""Records whose reason a replay gives; the others are counted."""


class ClosableEngine(SearchEngine, Protocol):
    """An engine that can be let go of."""

    def under(self, asked: AskedSnapshot) -> Self:
        """Return what answers from its snapshot by the entitlements that rule it."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An answer that did not come back as it was recorded."""

    writer: str
    sequence: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A record that could not be compared, and why."""

    writer: str
    sequence: int
    request_id: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Replay:
    """What a replay found.

    Attributes:
        n_same: answers that came back with the same ids and scores.
        n_without_text: requests that cannot be asked again: without their texts, or of an unknown kind.
        n_unanswered: requests that ended with an error, or before their reply was whole.
        n_gone: requests whose snapshot is not there any more.
        different: answers that came back otherwise.
        skipped: the first `MAX_SKIPPED` of those without text, unanswered, and of snapshots that are gone.
    """

    n_same: int = 0
    n_without_text: int = 0
    n_unanswered: int = 0
    n_gone: int = 0
    different: list[Difference] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def skip(self, record: Record, reason: str) -> None:
        """Note why a record is not compared."""
        if len(self.skipped) < MAX_SKIPPED:
            name = record.entry.request_id
            self.skipped.append(
                Skipped(writer=record.writer, sequence=record.sequence, request_id=name, reason=reason)
            )

    @property
    def is_comparison(self) -> bool:
        """Whether an answer was compared, or a record found that was changed."""
        return bool(self.n_same or self.different)


def replay_records(
    records: Iterable[Record], open_engine: Callable[[str], ClosableEngine], *, kinds: RequestKinds = KINDS
) -> Replay:
    """Return how recorded answers compare with those to the same requests now.

    Args:
        records: of any kind; those of the log itself are passed over, and those of beginnings.
        open_engine: returns the engine over the snapshot with that id; one is open at a time.
        kinds: of requests.

    Raises:
        EagleRayError: a snapshot that is there cannot be opened.
    """
    replay, desk = Replay(), _EngineCache(open_engine)
    try:
        for record in records:
            if record.entry.kind is RecordKind.REQUEST and record.entry.status != BEGUN:
                _replay_record(record, desk, replay, kinds=kinds)
    finally:
        desk.close()
    return replay


def _replay_record(record: Record, desk: _EngineCache, replay: Replay, *, kinds: RequestKinds) -> None:
    entry = record.entry
    try:
        is_whole = hash_record(record) == record.hash
        request = read_request(entry, kinds=kinds) if is_whole else None
    except (ValueError, KeyError, TypeError) as error:
        is_whole, request = False, None
        detail = f"the record cannot be read: {error}"
    else:
        detail = "the record was changed; run `eagleray audit verify`"
    if not is_whole:
        replay.different.append(Difference(writer=record.writer, sequence=record.sequence, detail=detail))
    elif entry.status != OK:
        replay.n_unanswered += 1
        replay.skip(record, f"it ended with {entry.status}: there is no answer to compare with")
    elif request is None:
        replay.n_without_text += 1
        replay.skip(record, explain_unreadable(entry, kinds=kinds))
    else:
        _compare(record, request, desk, replay)


def _compare(record: Record, recorded: RecordedRequest, desk: _EngineCache, replay: Replay) -> None:
    try:
        engine = desk.find(record.entry.snapshot).under(read_ruling(record.entry))
    except NotPublishedError:
        replay.n_gone += 1
        replay.skip(record, f"its snapshot {record.entry.snapshot[:12]} no longer exists")
        return
    try:
        detail = recorded.ask_again(engine)
    except EagleRayError as error:
        detail = f"no answer came back: {type(error).__name__}"
    if detail:
        replay.different.append(Difference(writer=record.writer, sequence=record.sequence, detail=detail))
    else:
        replay.n_same += 1


class _EngineCache:
    """The engine that was asked last: neighbours in a log are mostly of one snapshot."""

    def __init__(self, open_engine: Callable[[str], ClosableEngine]) -> None:
        self._open_engine = open_engine
        self._snapshot = ""
        self._engine: ClosableEngine | None = None

    def find(self, snapshot: str) -> ClosableEngine:
        """Return the engine over a snapshot."""
        if self._engine is None or self._snapshot != snapshot:
            self.close()
            self._engine, self._snapshot = self._open_engine(snapshot), snapshot
        return self._engine

    def close(self) -> None:
        """Let go of the engine."""
        if self._engine is not None:
            self._engine.close()
        self._engine = None
