"""A snapshot that a request names, and the state that says who may read its rows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSnapshot:
    """A snapshot with the one whose groups and zones rule it.

    Attributes:
        snapshot: whole id.
        entitled_by: whole id of the newest snapshot of the alias.
        is_published: whether the alias has come through it, and not been rolled back behind it. Rows that the
            newest snapshot lacks are nobody's there; those of any other snapshot keep the groups they have.
    """

    snapshot: str
    entitled_by: str
    is_published: bool = True


def ask_own(snapshot: str) -> AskedSnapshot:
    """Return a snapshot as it is asked under its own entitlements."""
    return AskedSnapshot(snapshot=snapshot, entitled_by=snapshot)
