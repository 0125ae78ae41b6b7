"""A record of the audit log, its canonical bytes and its hash.

An entry says what happened; a record is an entry in its place in a writer's chain. Each record holds the hash
of the one before it, so none can be changed, removed, put in or moved alone. How entries are made of requests
is in `entries`, how records are stored in `segments`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from eagleray.digests import canonical_json, digest_bytes

VERSION: Final = 1
"""Of the fields below; a reader refuses others."""

BEGINNING: Final = "0" * 64
"""What stands for the hash before the first record of a chain."""


class RecordKind(StrEnum):
    """What a record is about: a request, or the log itself.

    `genesis` begins a chain, `heads` names how far others were, `gap` counts requests that got no record,
    `end` closes a chain.
    """

    GENESIS = "genesis"
    REQUEST = "request"
    HEADS = "heads"
    GAP = "gap"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedHit:
    """A row that came back; never its text."""

    chunk_id: int
    doc_id: str
    score: float
    reranked: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What happened.

    Attributes:
        request_id: the request's name outside, or empty.
        subject: who asked.
        groups: of the caller, sorted.
        zones: of the caller, sorted; `None` for every zone without a restriction.
        action: what was asked for, such as `search`.
        body: JSON in ASCII: a request's parameters, with its texts where the policy is text; for other
            kinds what the log says of itself.
        question: SHA-256 of a request's texts, 64 hex digits; empty for other kinds.
        snapshot: id of the one that answered; empty where none did.
        plan: JSON in ASCII: how the answer came about.
        hits: best first.
        status: `ok`, or the type of the error.
        latency_us: microseconds from question to answer.
    """

    kind: RecordKind
    request_id: str = ""
    subject: str = ""
    groups: tuple[str, ...] = ()
    zones: tuple[str, ...] | None = None
    action: str = ""
    body: str = ""
    question: str = ""
    snapshot: str = ""
    plan: str = ""
    hits: tuple[RecordedHit, ...] = ()
    status: str = ""
    latency_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An entry in its place.

    Attributes:
        version: of the schema.
        writer: name of the chain.
        sequence: place in the chain, from 1.
        time: microseconds, when the record was made.
        previous: hash of the record before; `BEGINNING` for the first.
        hash: SHA-256 of the canonical bytes of all the rest, 64 hex digits.
    """

    version: int
    writer: str
    sequence: int
    time: int
    entry: Entry
    previous: str
    hash: str


def link_record(entry: Entry, *, writer: str, sequence: int, time: int, previous: str) -> Record:
    """Return the record that puts an entry behind the record whose hash is `previous`.

    Raises:
        ValueError: a score is not finite, or a text is no valid Unicode.
    """
    record = Record(
        version=VERSION,
        writer=writer,
        sequence=sequence,
        time=time,
        entry=entry,
        previous=previous,
        hash="",
    )
    data = _encode(record)
    data.decode()  # refuses what could not be stored
    return replace(record, hash=digest_bytes(data))


def hash_record(record: Record) -> str:
    """Return the hash that a record must carry."""
    return digest_bytes(_encode(record))


def _encode(record: Record) -> bytes:
    """Return the canonical bytes of all fields but the hash."""
    return canonical_json({name: value for name, value in flatten(record).items() if name != "hash"})


def flatten(record: Record) -> dict[str, Any]:
    """Return a record's fields by name, as JSON values."""
    entry = record.entry
    return {
        "version": record.version,
        "writer": record.writer,
        "sequence": record.sequence,
        "time": record.time,
        "kind": str(entry.kind),
        "request_id": entry.request_id,
        "subject": entry.subject,
        "groups": list(entry.groups),
        "zones": None if entry.zones is None else list(entry.zones),
        "action": entry.action,
        "body": entry.body,
        "question": entry.question,
        "snapshot": entry.snapshot,
        "plan": entry.plan,
        "hits": [
            {"chunk_id": hit.chunk_id, "doc_id": hit.doc_id, "score": hit.score, "reranked": hit.reranked}
            for hit in entry.hits
        ],
        "status": entry.status,
        "latency_us": entry.latency_us,
        "previous": record.previous,
        "hash": record.hash,
    }


def unflatten(fields: dict[str, Any]) -> Record:
    """Return the record of `flatten`'s fields.

    Raises:
        ValueError: the kind is unknown.
    """
    own = ("version", "writer", "sequence", "time", "previous", "hash")
    rest = {name: value for name, value in fields.items() if name not in own}
    zones = rest["zones"]
    entry = Entry(
        **{
            **rest,
            "kind": RecordKind(rest["kind"]),
            "groups": tuple(rest["groups"]),
            "zones": None if zones is None else tuple(zones),
            "hits": tuple(RecordedHit(**hit) for hit in rest["hits"]),
        }
    )
    return Record(entry=entry, **{name: fields[name] for name in own})
