"""Which records of the audit log are wanted."""

from __future__ import annotations

from dataclasses import dataclass

from eagleray.contracts.times import OPEN_END


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Records wanted; what is empty selects all.

    Attributes:
        since: microseconds.
        until: microseconds, exclusive.
        subject: who asked.
        action: what was asked for.
        snapshot: id, or its beginning.
        request_id: name of the request; those of a batch share one.
        limit: records at most; 0 for all.
        is_latest: whether the latest count against the limit, rather than the earliest.
    """

    since: int = 0
    until: int = OPEN_END
    subject: str = ""
    action: str = ""
    snapshot: str = ""
    request_id: str = ""
    limit: int = 0
    is_latest: bool = False
