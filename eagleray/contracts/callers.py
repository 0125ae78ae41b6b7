"""Who asks, what they may do, and how it was found out; which rows they may read is in `principals`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from eagleray.contracts.principals import Principal


class Role(StrEnum):
    """What somebody is here for; roles add up, and none contains another."""

    READER = "reader"
    WRITER = "writer"
    PUBLISHER = "publisher"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Action(StrEnum):
    """What a role allows.

    `search` reads documents; `ask` is answered from them in sentences; `inspect` shows what is served and how
    it is asked; `operate` shows snapshots, aliases, reports and runs, which count rows of every group and
    zone; `examine` shows what the alias does not lead to, and how a search went through rows it tells nothing
    of; `publish` moves aliases, back too; `administer` makes and revokes keys, and removes what nothing
    needs. Only `search` and `ask` show text, and a role allows both or neither: an answer tells no more than
    the rows it is made of.
    """

    SEARCH = "search"
    ASK = "ask"
    INSPECT = "inspect"
    OPERATE = "operate"
    EXAMINE = "examine"
    INGEST = "ingest"
    PUBLISH = "publish"
    READ_AUDIT = "read_audit"
    ADMINISTER = "administer"


ALLOWED: Final[Mapping[Role, frozenset[Action]]] = MappingProxyType(
    {
        Role.READER: frozenset({Action.INSPECT, Action.SEARCH, Action.ASK}),
        Role.WRITER: frozenset({Action.INSPECT, Action.OPERATE, Action.INGEST}),
        Role.PUBLISHER: frozenset({Action.INSPECT, Action.OPERATE, Action.EXAMINE, Action.PUBLISH}),
        Role.AUDITOR: frozenset({Action.INSPECT, Action.OPERATE, Action.EXAMINE, Action.READ_AUDIT}),
        Role.ADMIN: frozenset({Action.INSPECT, Action.OPERATE, Action.ADMINISTER}),
    }
)
"""What each role allows; whatever is not here is refused."""


def describe_roles(action: Action) -> str:
    """Return in words which roles allow an action."""
    roles = [str(role) for role, allowed in ALLOWED.items() if action in allowed]
    return f"the role {roles[0]}" if len(roles) == 1 else f"one of the roles {', '.join(roles)}"


class Authentication(StrEnum):
    """How it was found out who asks."""

    API_KEY = "api_key"
    TOKEN = "token"  # noqa: S105 - the name of a way, not a secret
    DEVELOPMENT = "development"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody who asks, known.

    Attributes:
        principal: subject, groups and zones: which rows they may read.
        roles: what they may do; none allows nothing.
        authentication: how it was found out who they are.
        key_id: of the API key, or of the key that signed the token; empty for neither.
        collections: that they may see; `None` for every one. To all else they are told that it is not there.
    """

    principal: Principal
    roles: frozenset[Role]
    authentication: Authentication
    key_id: str = ""
    collections: frozenset[str] | None = None

    def may(self, action: Action) -> bool:
        """Return whether one of the roles allows the action."""
        return any(action in ALLOWED[role] for role in self.roles)

    def may_see(self, collection: str) -> bool:
        """Return whether a collection is there for them."""
        return self.collections is None or collection in self.collections
