"""The caller of a search: who they are and what they may read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A subject with its groups and zones.

    Attributes:
        subject: stable name of the person or service.
        groups: a row is readable when it has no groups or shares one with these.
        zones: zones the caller may read; `None` means every zone without a restriction.
    """

    subject: str
    groups: frozenset[str] = frozenset()
    zones: frozenset[str] | None = None


ANONYMOUS: Final = Principal(subject="anonymous")
"""A caller without groups: sees only rows that carry no groups."""
