"""Entries of requests: what is kept of a question and its answer, by policy.

The texts of a request (its question, a document's name, the filter with its values) are kept whole or as one
SHA-256; no text of a document is ever kept. What each kind of request keeps is in `kinds`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.contracts.principals import Principal
from eagleray.digests import digest_bytes
from serve.audit.record import Entry, RecordedHit, RecordKind

Questions = Literal["digest", "text"]
"""What is kept of a question."""

OK: Final = "ok"
"""Status of a request that was answered whole; of one that failed it is the type of its error."""

BEGUN: Final = "begun"
"""Status of the entry before a reply that takes time; a second one, which names it, says how that ended."""

CANCELLED: Final = "cancelled"
"""Status of a reply that its caller did not wait for, or did not read."""

INTERRUPTED: Final = "interrupted"
"""What a begun request without an end is shown as; no entry has this status."""

_REPLY: Final = "reply"
"""Member of a body that says which entry an entry ends."""

_REPLY_TEXTS: Final = "reply_texts"
"""Member of a body with the texts of a reply; it is there only where they were kept, and there are any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDetails:
    """A request of any kind, as it is kept.

    Attributes:
        action: what was asked for.
        parameters: JSON values that hold no text of the caller's.
        texts: JSON values that do; kept by policy.
    """

    action: str
    principal: Principal
    parameters: Mapping[str, Any]
    texts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyDetails:
    """What is kept of a reply.

    Attributes:
        snapshot: id of the one that answered; empty where none did.
        plan: JSON in ASCII: how the reply came about, or a digest of it.
        hits: the rows that came back.
        parameters: JSON values that stand with those of the request.
        texts: JSON values that hold text of a language model or for one; kept by policy.
    """

    snapshot: str = ""
    plan: str = ""
    hits: tuple[RecordedHit, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContext:
    """What an entry tells besides the request and its reply.

    Attributes:
        latency_us: microseconds from question to answer.
        snapshot: the one that was named; `None` where the alias's was asked.
        request_id: the request's name outside.
    """

    latency_us: int = 0
    snapshot: AskedSnapshot | None = None
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentAmount:
    """How much of a reply was given to the connection."""

    n_pieces: int
    n_bytes: int


def make_entry(
    request: RequestDetails,
    reply: ReplyDetails,
    *,
    status: str,
    questions: Questions,
    context: RequestContext,
) -> Entry:
    """Return the entry of a request.

    Args:
        request: as it is kept.
        reply: as it is kept.
        status: how it ended.
        questions: what is kept of the texts.
        context: the rest.
    """
    principal, texts, named = request.principal, dict(request.texts), context.snapshot
    parameters = {**request.parameters, **_tell_ruling(named), **reply.parameters}
    body: dict[str, Any] = {"parameters": parameters}
    if questions == "text":
        body |= {"texts": texts, **_keep_texts(reply)}
    return Entry(
        kind=RecordKind.REQUEST,
        request_id=_clean(context.request_id),
        subject=_clean(principal.subject),
        groups=tuple(sorted(map(_clean, principal.groups))),
        zones=None if principal.zones is None else tuple(sorted(map(_clean, principal.zones))),
        action=_clean(request.action),
        body=dump(body),
        question=digest_bytes(dump(texts).encode()),
        snapshot=reply.snapshot or ("" if named is None else _clean(named.snapshot)),
        plan=reply.plan,
        hits=reply.hits,
        status=status,
        latency_us=context.latency_us,
    )


def make_end_entry(
    begun: Entry,
    reply: ReplyDetails,
    *,
    status: str,
    sequence: int,
    latency_us: int = 0,
    given: SentAmount | None = None,
) -> Entry:
    """Return the entry of how a begun request ended; it repeats what was asked.

    Args:
        begun: the entry of its beginning.
        reply: as it is kept, or the part that was given.
        status: how it ended.
        sequence: number of the begun entry's record; 0 where it has none.
        latency_us: microseconds from question to end.
        given: how much was given; `None` for a reply that is no stream.
    """
    body = json.loads(begun.body)
    body["parameters"] |= reply.parameters
    body |= _keep_texts(reply) if "texts" in body else {}
    ended = {} if given is None else {"pieces": given.n_pieces, "bytes": given.n_bytes}
    if sequence:
        ended["begun"] = sequence
    return replace(
        begun,
        body=dump({**body, _REPLY: ended} if ended else body),
        snapshot=reply.snapshot or begun.snapshot,
        plan=reply.plan,
        hits=reply.hits,
        status=status,
        latency_us=latency_us,
    )


def find_begun(body: str) -> int:
    """Return the number of the record that an entry with this body ends; 0 where it ends none.

    Raises:
        ValueError: the body is none that a request has.
    """
    if f'"{_REPLY}":' not in body:
        return 0
    content = json.loads(body)
    reply = content.get(_REPLY, {}) if isinstance(content, dict) else None
    sequence = reply.get("begun", 0) if isinstance(reply, dict) else None
    if not isinstance(sequence, int):
        raise ValueError("expected the number of the record that is ended")
    return sequence


def read_details(entry: Entry) -> RequestDetails | None:
    """Return the request an entry is of; `None` where its texts were not kept.

    Raises:
        ValueError: the body is not JSON.
        KeyError: a value is missing.
    """
    body = json.loads(entry.body)
    if "texts" not in body:
        return None
    return RequestDetails(
        action=entry.action,
        principal=_read_principal(entry),
        parameters=body["parameters"],
        texts=body["texts"],
    )


def read_texts(body: str) -> dict[str, Any] | None:
    """Return the texts of the request that a body is of; `None` where none were kept."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None  # a record that was changed: verification says so
    texts = content.get("texts") if isinstance(content, dict) else None
    return texts if isinstance(texts, dict) else None


def read_reply(entry: Entry) -> ReplyDetails:
    """Return what was kept of the reply that an entry is of.

    Raises:
        ValueError: the body is not JSON.
    """
    texts = json.loads(entry.body).get(_REPLY_TEXTS, {})
    return ReplyDetails(snapshot=entry.snapshot, plan=entry.plan, hits=entry.hits, texts=texts)


def read_ruling(entry: Entry) -> AskedSnapshot:
    """Return the snapshot that answered, by the entitlements that ruled it then."""
    given = json.loads(entry.body)["parameters"]
    return AskedSnapshot(
        snapshot=entry.snapshot,
        entitled_by=given.get("entitled_by", entry.snapshot),
        is_published=given.get("is_published", True),
    )


def compare_hits(recorded: ReplyDetails, found: ReplyDetails) -> str:
    """Return the first place where the rows of two replies differ; empty where they are the same."""
    return _tell_difference(recorded.hits, found.hits)


def dump(value: Any) -> str:
    """Return JSON in ASCII, keys sorted: it holds any text, also one that is no valid Unicode."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _keep_texts(reply: ReplyDetails) -> dict[str, Any]:
    return {_REPLY_TEXTS: dict(reply.texts)} if reply.texts else {}


def _tell_ruling(snapshot: AskedSnapshot | None) -> dict[str, Any]:
    """Return what is kept of the entitlements that ruled a named snapshot; nothing of its own."""
    if snapshot is None or snapshot.entitled_by == snapshot.snapshot:
        return {}
    return {"entitled_by": snapshot.entitled_by, "is_published": snapshot.is_published}


def _read_principal(entry: Entry) -> Principal:
    zones = None if entry.zones is None else frozenset(entry.zones)
    return Principal(subject=entry.subject, groups=frozenset(entry.groups), zones=zones)


def _tell_difference(recorded: Sequence[RecordedHit], found: Sequence[RecordedHit]) -> str:
    for place, (before, after) in enumerate(zip(recorded, found, strict=False), start=1):
        if before != after:
            return f"hit {place} was {_describe(before)}, now {_describe(after)}"
    if len(recorded) != len(found):
        return f"{len(recorded)} hits were recorded, {len(found)} came back"
    return ""


def _describe(hit: RecordedHit) -> str:
    reranked = "" if hit.reranked is None else f", reranked {hit.reranked!r}"
    return f"row {hit.chunk_id} of {hit.doc_id} with score {hit.score!r}{reranked}"


def _clean(text: str) -> str:
    """Return a name that UTF-8 can hold."""
    return text.encode("utf-8", "backslashreplace").decode()
