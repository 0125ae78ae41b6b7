"""Keeps what is asked of a serving process: replies that are whole at once, and those that take time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eagleray.contracts.asked_snapshots import AskedSnapshot
from serve.audit.audit_writer import AuditWriter
from serve.audit.counts import AuditCounts
from serve.audit.entries import OK, Questions, ReplyDetails, RequestContext, SentAmount, make_end_entry
from serve.audit.kinds import KINDS
from serve.audit.record import Entry
from serve.audit.request_entries import EndedRequest, describe_reply, record_begun, record_request
from serve.audit.request_kinds import RequestKind, RequestKinds


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunRequest:
    """A request whose beginning is recorded.

    Attributes:
        kind: that it is of.
        entry: of its beginning.
        sequence: number of that record; 0 where the log had no room for it.
        started_ns: when it was asked, by `time.perf_counter_ns`.
    """

    kind: RequestKind[Any, Any]
    entry: Entry
    sequence: int
    started_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyEnding:
    """How a begun request ended.

    Attributes:
        status: `ok`, `cancelled`, or the type of the error.
        reply: the whole reply, or what was given of it; `None` for nothing.
        given: how much was given; `None` for a reply that is no stream.
    """

    status: str = OK
    reply: Any = None
    given: SentAmount | None = None


class RequestRecorder:
    """Writes requests to the audit log; its methods may block."""

    def __init__(self, writer: AuditWriter, *, questions: Questions, kinds: RequestKinds = KINDS) -> None:
        """Take the parts.

        Args:
            writer: of this process's chain.
            questions: what is kept of the texts of requests.
            kinds: of requests.
        """
        self._writer, self._questions, self._kinds = writer, questions, kinds

    @property
    def counts(self) -> AuditCounts:
        """What the log has taken so far."""
        return self._writer.counts

    def record(self, ended: Sequence[EndedRequest]) -> None:
        """Keep what was asked at once; when this returns, the answers may be given.

        Raises:
            AuditError: it cannot be recorded.
        """
        entries = [record_request(item, questions=self._questions, kinds=self._kinds) for item in ended]
        self._writer.append(*entries)

    def begin(
        self,
        request: object,
        *,
        snapshot: AskedSnapshot | None = None,
        request_id: str = "",
        started_ns: int | None = None,
    ) -> BegunRequest:
        """Keep that a request has begun; when this returns, that is stored, and the reply may be given.

        Args:
            request: of a kind that is recorded.
            snapshot: the one that is named; `None` where the alias's is asked.
            request_id: name of the request.
            started_ns: when it was asked, by `time.perf_counter_ns`; now by default.

        Raises:
            AuditError: it cannot be recorded, so nothing may be done.
        """
        started_ns = time.perf_counter_ns() if started_ns is None else started_ns
        kind = self._kinds.find_kind(request)
        context = RequestContext(snapshot=snapshot, request_id=request_id)
        entry = record_begun(kind.describe_request(request), questions=self._questions, context=context)
        sequence = self._writer.begin(entry)
        return BegunRequest(kind=kind, entry=entry, sequence=sequence, started_ns=started_ns)

    def end(self, begun: BegunRequest, ending: ReplyEnding, *, is_stored: bool = False) -> None:
        """Keep how a begun request ended, once for each.

        Args:
            begun: the request.
            ending: how it ended.
            is_stored: whether to wait until that is stored.

        Raises:
            AuditError: it cannot be recorded, so nothing more may be given.
        """
        told = ReplyDetails() if ending.reply is None else describe_reply(begun.kind, ending.reply)
        entry = make_end_entry(
            begun.entry,
            told,
            status=ending.status,
            sequence=begun.sequence,
            latency_us=(time.perf_counter_ns() - begun.started_ns) // 1_000,
            given=ending.given,
        )
        self._writer.end(entry, is_stored=is_stored)
