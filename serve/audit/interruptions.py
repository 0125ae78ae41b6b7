"""Which begun requests of a chain have an end, and which were interrupted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from serve.audit.entries import BEGUN, find_begun
from serve.audit.record import Entry, RecordKind

_UNNUMBERED: Final = frozenset({"publish", "rollback"})
"""Actions whose ends did not name what they end before ends were numbered: told by caller and request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """A request that has begun, and whose end is not in the log.

    Its process is at work on it still, or was killed.
    """

    writer: str
    sequence: int
    action: str
    subject: str
    request_id: str


class Interruptions:
    """Follows one chain from its first record to its last."""

    def __init__(self, writer: str) -> None:
        """Take the chain's name."""
        self._writer = writer
        self._open: dict[int, Interrupted] = {}

    @property
    def interrupted(self) -> list[Interrupted]:
        """What has begun and not ended so far, in its order."""
        return list(self._open.values())

    def follow(self, sequence: int, entry: Entry) -> str:
        """Take the next record; return what is wrong with how it ends another, or an empty text.

        Raises:
            ValueError: its body is none that a request has.
        """
        if entry.kind is not RecordKind.REQUEST:
            return ""
        if entry.status == BEGUN:
            self._open[sequence] = Interrupted(
                writer=self._writer,
                sequence=sequence,
                action=entry.action,
                subject=entry.subject,
                request_id=entry.request_id,
            )
            return ""
        begun = find_begun(entry.body) or self._find_unnumbered(entry)
        if not begun:
            return ""
        found = self._open.pop(begun, None)
        if found is None or (found.action, found.subject) != (entry.action, entry.subject):
            return f"it ends record {begun}, which is no beginning of its own, or has ended before"
        return ""

    def _find_unnumbered(self, entry: Entry) -> int:
        """Return the number of the first beginning that such an entry can be the end of; 0 for none."""
        if entry.action not in _UNNUMBERED:
            return 0
        asked = (entry.action, entry.subject, entry.request_id)
        same = (item for item in self._open.values() if (item.action, item.subject, item.request_id) == asked)
        return next((item.sequence for item in same), 0)
