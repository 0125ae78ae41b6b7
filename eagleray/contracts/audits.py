"""Which records of the audit log are wanted, and what jobs have recorded there."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class RelabellingRequest:
    """A relabelling that somebody begins.

    Attributes:
        subject: who runs the job: their name on that machine.
        source: URI of what is read again.
        mapping: digest of what makes documents of its records.
        alias: that moves.
    """

    subject: str
    source: str
    mapping: str
    alias: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RelabellingReply:
    """What a relabelling came to.

    Attributes:
        run: its id.
        snapshot: that has the new labels; the one before where nothing changed.
        n_relabelled: versions with other attributes, title or event time.
        n_regrouped: versions with other groups.
        n_left: documents that were left as they are.
    """

    run: str
    snapshot: str
    n_relabelled: int
    n_regrouped: int
    n_left: int
