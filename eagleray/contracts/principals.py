"""The caller of a search: who they are and what they may read."""

from __future__ import annotations

from dataclasses import dataclass, replace
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

_PRIVATE: Final = "eagleray:subject:"


def name_private_group(subject: str) -> str:
    """Return the group of one subject alone: nobody is given it, its subject's own searches ask with it."""
    return f"{_PRIVATE}{subject}"


def drop_private_groups(principal: Principal) -> Principal:
    """Return the principal without private groups: no key or token may claim one."""
    groups = frozenset(group for group in principal.groups if not group.startswith(_PRIVATE))
    return principal if groups == principal.groups else replace(principal, groups=groups)
