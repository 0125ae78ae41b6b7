"""Moves of aliases: an entry before each and one after it, so that no move is without a record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from eagleray.contracts.manifests import AliasEntry
from eagleray.contracts.principals import Principal
from serve.audit.entries import ReplyDetails, RequestDetails
from serve.audit.request_kinds import RequestKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A move of an alias that somebody asks for.

    Attributes:
        snapshot: as it was asked for; empty for a rollback.
        expected: id the alias must point to; `None` where the caller does not say.
        request_id: the request's name outside.
    """

    action: Literal["publish", "rollback"]
    alias: str
    principal: Principal
    snapshot: str = ""
    expected: str | None = None
    request_id: str = ""


def _describe_request(change: Change) -> RequestDetails:
    return RequestDetails(
        action=change.action,
        principal=change.principal,
        parameters={"alias": change.alias, "snapshot": change.snapshot, "expected": change.expected},
    )


def _describe_reply(entry: AliasEntry) -> ReplyDetails:
    return ReplyDetails(
        snapshot=entry.snapshot, parameters={"sequence": entry.sequence, "previous": entry.previous}
    )


ALIAS_MOVE: Final = RequestKind(
    actions=("publish", "rollback"),
    requests=Change,
    replies=AliasEntry,
    describe_request=_describe_request,
    describe_reply=_describe_reply,
)
