"""What a writer has done so far, in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCounts:
    """Of one writer, since it was made.

    Attributes:
        n_written: records of every kind that the store has taken.
        n_refused: requests that got no answer because the log could not take them.
        n_dropped: requests that were answered and have no record of their own; a `gap` counts them.
        n_pending: records that wait to be stored.
        is_failing: whether the store took nothing when it was last tried.
    """

    n_written: int = 0
    n_refused: int = 0
    n_dropped: int = 0
    n_pending: int = 0
    is_failing: bool = False
