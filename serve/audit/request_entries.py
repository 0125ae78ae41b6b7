"""Entries of requests of every kind, and the requests they are of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.contracts.ports import SearchEngine
from serve.audit.entries import (
    BEGUN,
    OK,
    Questions,
    ReplyDetails,
    RequestContext,
    RequestDetails,
    make_entry,
    read_details,
    read_reply,
)
from serve.audit.kinds import KINDS
from serve.audit.record import Entry, RecordKind
from serve.audit.request_kinds import Replayable, RequestKind, RequestKinds


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRequest:
    """A request that has ended, its reply whole.

    Attributes:
        request: of a kind that is recorded.
        outcome: the reply, or why there is none; of an error only the type is kept.
        snapshot: the one that was named; `None` where the alias's was asked.
        latency_us: microseconds from question to answer.
        request_id: name of the request.
    """

    request: Any
    outcome: Any
    latency_us: int
    snapshot: AskedSnapshot | None = None
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """A request as a record tells it, with what was kept of its reply.

    Attributes:
        kind: that it is of.
        replay: how it is asked again.
    """

    request: Any
    told: ReplyDetails
    kind: RequestKind[Any, Any]
    replay: Replayable[Any, Any]

    def ask_again(self, engine: SearchEngine) -> str:
        """Return how an engine's reply differs from the recorded one; empty where it does not.

        Of a recorded reply that cannot be made again: what of it does not hold on the engine.

        Raises:
            EagleRayError: there is none.
        """
        if self.replay.check is not None:
            fault = self.replay.check(self.request, self.told, engine)
            if fault is not None:
                return fault
        now = describe_reply(self.kind, self.replay.answer(self.request, engine))
        return self.replay.compare(self.told, now)


def record_request(ended: EndedRequest, *, questions: Questions, kinds: RequestKinds = KINDS) -> Entry:
    """Return the entry of a request that has ended.

    Args:
        ended: the request and its reply.
        questions: what is kept of the texts.
        kinds: of requests.

    Raises:
        TypeError: the request is of no kind, or the reply none of that kind.
    """
    outcome, kind = ended.outcome, kinds.find_kind(ended.request)
    is_error = isinstance(outcome, Exception)
    return make_entry(
        kind.describe_request(ended.request),
        ReplyDetails() if is_error else describe_reply(kind, outcome),
        status=type(outcome).__name__ if is_error else OK,
        questions=questions,
        context=RequestContext(
            latency_us=ended.latency_us, snapshot=ended.snapshot, request_id=ended.request_id
        ),
    )


def record_begun(asked: RequestDetails, *, questions: Questions, context: RequestContext) -> Entry:
    """Return the entry of a request whose reply takes time, to be stored before anything of it is given."""
    return make_entry(asked, ReplyDetails(), status=BEGUN, questions=questions, context=context)


def describe_reply(kind: RequestKind[Any, Any], reply: object) -> ReplyDetails:
    """Return what is kept of a reply.

    Raises:
        TypeError: it is none of that kind.
    """
    if not isinstance(reply, kind.replies):
        raise TypeError(f"a reply of class {type(reply).__name__} is none to {', '.join(kind.actions)}")
    return kind.describe_reply(reply)


def explain_unreadable(entry: Entry, *, kinds: RequestKinds = KINDS) -> str:
    """Return why the request an entry is of cannot be asked again, of which `read_request` makes none."""
    kind = kinds.find_action(entry.action)
    if kind is None:
        return f"no feature records the action {entry.action}: name the one in EAGLERAY_SERVE__FEATURES"
    if kind.replay is None:
        return f"requests of the action {entry.action} are never repeated"
    return "its texts were not kept; EAGLERAY_AUDIT__QUESTIONS=text keeps those of later requests"


def read_request(entry: Entry, *, kinds: RequestKinds = KINDS) -> RecordedRequest | None:
    """Return the request an entry is of; `None` where it cannot be asked again.

    It cannot where its texts were not kept, or it is of a kind that is unknown or never asked again.

    Raises:
        ValueError: a value in it is unknown.
        KeyError: a value is missing.
    """
    kind = kinds.find_action(entry.action) if entry.kind is RecordKind.REQUEST else None
    if kind is None or kind.replay is None:
        return None
    asked = read_details(entry)
    if asked is None:
        return None
    return RecordedRequest(
        request=kind.replay.read(asked), told=read_reply(entry), kind=kind, replay=kind.replay
    )
