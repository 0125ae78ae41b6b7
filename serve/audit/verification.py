"""Checks every chain of a log, and that what chains or an export once named of each other still stands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from eagleray.contracts.ports import Store
from serve.audit.anchors import list_named_heads
from serve.audit.interruptions import Interrupted, Interruptions
from serve.audit.layout import (
    HEADS,
    Head,
    SegmentName,
    decode_head,
    list_segments,
)
from serve.audit.record import BEGINNING, VERSION, Record, RecordKind, hash_record
from serve.audit.segments import SegmentError, decode_segment


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFinding:
    """Something that is not as it was written.

    Attributes:
        writer: name of the chain; empty where no chain is concerned.
        sequence: record, or 0 where no single one is concerned.
        detail: what is wrong.
    """

    writer: str
    sequence: int
    detail: str


@dataclass(slots=True, kw_only=True)
class Verification:
    """What was checked and found.

    Attributes:
        n_dropped: requests that got no record, by what the log itself says.
        unfinished: chains without an end: their process is at work, was killed, or their tail was taken away.
        interrupted: requests that have begun and have no end: of processes at work, or killed.
        findings: empty where all that can be checked is as it was written.
    """

    n_chains: int = 0
    n_records: int = 0
    n_dropped: int = 0
    unfinished: list[str] = field(default_factory=list)
    interrupted: list[Interrupted] = field(default_factory=list)
    findings: list[AuditFinding] = field(default_factory=list)

    def tell(self, writer: str, sequence: int, detail: str) -> None:
        """Add a finding."""
        self.findings.append(AuditFinding(writer=writer, sequence=sequence, detail=detail))


def verify_log(store: Store, collection: str, *, heads: Iterable[Head] = ()) -> Verification:
    """Return what a check of the whole log found; reads one segment at a time.

    The log may be written meanwhile: a listing can miss what is stored while it goes on, so what one listing
    showed is taken from a second, and checked as far as the first went.

    Args:
        store: that holds the log.
        collection: whose log it is.
        heads: exported earlier and kept elsewhere.

    Raises:
        StoreError: the store failed.
    """
    result = Verification()
    settled = {head.writer: head for head in list_last_heads(store, collection)}
    named = dict.fromkeys(heads, "the heads given") | _read_told(store, collection, result)
    standing: set[Head] = set()
    chains: dict[str, list[SegmentName]] = {}
    for name in list_segments(store, collection):
        if isinstance(name, str):
            result.tell("", 0, f"{name} is no part of a log")
            continue
        standing.add(name.head)
        if name.writer in settled and name.last <= settled[name.writer].sequence:
            chains.setdefault(name.writer, []).append(name)
    missing = {head: by for head, by in named.items() if head not in standing}
    for writer, names in chains.items():
        named = _ChainCheck(store, collection, writer, result).run(names)
        missing |= {head: by for head, by in named.items() if head not in standing}
    result.n_chains = len(chains)
    _tell_missing(missing, result)
    return result


def _read_told(store: Store, collection: str, result: Verification) -> dict[Head, str]:
    """Return the heads that writers told of themselves."""
    told = {}
    for item in store.list(f"{collection}/{HEADS}"):
        try:
            told[decode_head(store.read(item.path))] = item.path
        except ValueError as error:
            result.tell("", 0, f"{item.path} tells no head: {error}")
    return told


def _tell_missing(missing: dict[Head, str], result: Verification) -> None:
    """Tell, for each chain, the farthest of the heads that are not there."""
    farthest: dict[str, Head] = {}
    for head in sorted(missing):
        farthest[head.writer] = head
    for head in farthest.values():
        detail = (
            f"{missing[head]} names record {head.sequence} with hash {head.hash[:12]} as the end of a "
            "segment; it is not there: the chain was cut, rewritten or removed"
        )
        result.tell(head.writer, head.sequence, detail)


class _ChainCheck:
    """Follows one chain from its first record to its last."""

    def __init__(self, store: Store, collection: str, writer: str, result: Verification) -> None:
        self._store, self._collection, self._writer, self._result = store, collection, writer, result
        self._sequence = 0
        self._hash: str | None = BEGINNING
        self._kind: RecordKind | None = None
        self._named: dict[Head, str] = {}
        self._endings = Interruptions(writer)

    def run(self, names: Sequence[SegmentName]) -> dict[Head, str]:
        """Check the chain, and return the heads it names with the record that does."""
        for name in names:
            self._check_place(name)
            self._check_segment(name)
        if self._kind is not RecordKind.END:
            self._result.unfinished.append(self._writer)
        self._result.interrupted += self._endings.interrupted
        return self._named

    def _tell(self, sequence: int, detail: str) -> None:
        self._result.tell(self._writer, sequence, detail)

    def _check_place(self, name: SegmentName) -> None:
        wanted = self._sequence + 1
        if name.first == wanted:
            return
        if name.first > wanted:
            self._tell(wanted, f"records {wanted} to {name.first - 1} are missing")
            self._sequence, self._hash, self._kind = name.first - 1, None, None
        else:
            self._tell(name.first, f"{name.locate(self._collection)} was put in: expected record {wanted}")

    def _check_segment(self, name: SegmentName) -> None:
        path = name.locate(self._collection)
        try:
            records = decode_segment(self._store.read(path))
        except SegmentError as error:
            self._tell(name.first, f"{path} is damaged: {error}")
            self._sequence, self._hash, self._kind = name.last, name.hash, None
            return
        for record in records:
            self._check_record(record)
        found = records[-1] if records else None
        if found is None or (found.sequence, found.hash) != (name.last, name.hash):
            self._tell(name.last, f"{path} does not end with the record that its name tells")
            self._sequence, self._hash = name.last, name.hash
        self._result.n_records += len(records)

    def _check_record(self, record: Record) -> None:
        wanted, kind = self._sequence + 1, record.entry.kind
        if record.version != VERSION or record.writer != self._writer:
            self._tell(wanted, "the record is of another chain or version")
        if record.sequence != wanted:
            self._tell(wanted, f"record {record.sequence} stands in its place")
        if not _has_its_hash(record):
            self._tell(record.sequence, "the record was changed: its content does not have its hash")
        if self._hash is not None and record.previous != self._hash:
            detail = "the record does not follow on the one before it: one was changed, removed or put in"
            self._tell(record.sequence, detail)
        if (kind is RecordKind.GENESIS) != (wanted == 1) or self._kind is RecordKind.END:
            self._tell(record.sequence, f"a record of kind {kind} cannot stand here")
        self._read_body(record)
        self._sequence, self._hash, self._kind = record.sequence, record.hash, kind

    def _read_body(self, record: Record) -> None:
        entry = record.entry
        try:
            for head in list_named_heads(entry):
                self._named.setdefault(head, f"record {record.sequence} of {self._writer}")
            body = {} if entry.kind is RecordKind.REQUEST or not entry.body else json.loads(entry.body)
            if entry.kind is RecordKind.GENESIS and body["collection"] != self._collection:
                self._tell(record.sequence, f"the chain is of collection {body['collection']}")
            if entry.kind is RecordKind.GAP:
                self._result.n_dropped += int(body["n"])
            if wrong := self._endings.follow(record.sequence, entry):
                self._tell(record.sequence, wrong)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            self._tell(record.sequence, f"a record of kind {entry.kind} cannot be read: {error}")


def _has_its_hash(record: Record) -> bool:
    try:
        return hash_record(record) == record.hash
    except ValueError:  # a number that JSON has no form for, which no record is made with
        return False


def list_last_heads(store: Store, collection: str) -> list[Head]:
    """Return the head of every chain, as the names of its segments tell it."""
    last: dict[str, Head] = {}
    for name in list_segments(store, collection):
        if isinstance(name, SegmentName):
            last[name.writer] = name.head
    return sorted(last.values())
