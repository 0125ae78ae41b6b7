"""Entries of changes: one before an alias moves, one after it, so that no move is without a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from eagleray.contracts.manifests import AliasEntry
from eagleray.contracts.principals import Principal
from serve.audit.entries import Asked, Told, record_request
from serve.audit.record import Entry

BEGUN: Final = "begun"
"""Status of the entry before a change; one of the same request after it says how that ended."""


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


def record_begun(change: Change) -> Entry:
    """Return the entry that must be stored before the change begins."""
    entry = record_request(_ask(change), Told(snapshot=""), questions="digest", latency_us=0)
    return replace(entry, status=BEGUN)


def record_ended(change: Change, outcome: AliasEntry | Exception, *, latency_us: int) -> Entry:
    """Return the entry of how a change ended.

    Args:
        change: that was begun.
        outcome: the move that the alias is at, or why there is none; of an error only its type is kept.
        latency_us: microseconds from the beginning to the end.
    """
    if isinstance(outcome, Exception):
        return record_request(_ask(change), outcome, questions="digest", latency_us=latency_us)
    asked = _ask(change, {"sequence": outcome.sequence, "previous": outcome.previous})
    told = Told(snapshot=outcome.snapshot)
    return record_request(asked, told, questions="digest", latency_us=latency_us)


def _ask(change: Change, moved: Mapping[str, Any] | None = None) -> Asked:
    parameters = {"alias": change.alias, "snapshot": change.snapshot, "expected": change.expected}
    return Asked(
        action=change.action,
        principal=change.principal,
        parameters={**parameters, **(moved or {})},
        texts={},
        request_id=change.request_id,
    )
