"""Callers of a served world, with keys or tokens, groups, zones and roles; keys are revoked and made anew."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from joserfc import jwt
from joserfc.jwk import ECKey

from benchmarks.differential_world import GROUPS, ZONES
from eagleray.contracts.callers import ALLOWED, Action, Role
from eagleray.contracts.principals import Principal
from eagleray.contracts.services import KeyRequest
from eagleray.settings import Settings
from serve.identity.key_service import StoredKeyService

_ISSUER: Final = "https://id.bank.example"


@dataclass(slots=True, kw_only=True)
class HttpCaller:
    """Somebody who asks, with what they show.

    Attributes:
        collections: that they may see; `None` for every one.
        key_id: of an API key; empty for a token.
        revoking_at: monotonic seconds when its revocation began.
        revoked_at: and when it had ended.
    """

    principal: Principal
    roles: frozenset[Role]
    credential: str
    collections: frozenset[str] | None = None
    key_id: str = ""
    revoking_at: float = float("inf")
    revoked_at: float = float("inf")

    @property
    def headers(self) -> dict[str, str]:
        """What a request carries."""
        return {"Authorization": f"Bearer {self.credential}"}

    def may_see(self, collection: str) -> bool:
        """Return whether a collection is there for them."""
        return self.collections is None or collection in self.collections

    def find_statuses(self, action: Action, *, asked_at: float, answered_at: float) -> set[int]:
        """Return the statuses that a request for an action may get for who asks: 200, 401 or 403."""
        may = any(action in ALLOWED[role] for role in self.roles)
        allowed = {200 if may else 403}
        if asked_at > self.revoked_at:
            return {401}
        return allowed if answered_at < self.revoking_at else allowed | {401}


class HttpCallers:
    """Makes callers, and replaces those with keys by others."""

    def __init__(
        self, settings: Settings, folder: Path, drawn: random.Random, *, collections: Sequence[str] = ()
    ) -> None:
        self._settings, self._drawn, self._n, self._collections = settings, drawn, 0, tuple(collections)
        self._signer = ECKey.generate_key("P-256", {"kid": "one"})
        self._key_set = folder / "keys.json"
        self._key_set.write_text(json.dumps({"keys": [self._signer.as_dict(private=False)]}))
        self.known = [self._make() for _ in range(12)]

    @property
    def env(self) -> dict[str, str]:
        """Settings of a server that knows these callers."""
        return {
            "EAGLERAY_AUTH__API_KEYS": "true",
            "EAGLERAY_AUTH__OIDC__ISSUER": _ISSUER,
            "EAGLERAY_AUTH__OIDC__AUDIENCE": "eagleray",
            "EAGLERAY_AUTH__OIDC__KEY_SET": str(self._key_set),
            "EAGLERAY_AUTH__OIDC__COLLECTIONS_CLAIM": "collections" if self._collections else "",
        }

    def replace_one(self) -> None:
        """Revoke a key, and give its place to a new caller; the old one stays known for a while."""
        place = self._drawn.choice([at for at, caller in enumerate(self.known) if caller.key_id])
        caller = self.known[place]
        if caller.revoked_at != float("inf"):
            self.known[place] = self._make()
            return
        caller.revoking_at = time.monotonic()
        StoredKeyService(self._settings).revoke(key_id=caller.key_id)
        caller.revoked_at = time.monotonic()

    def _make(self) -> HttpCaller:
        self._n += 1
        drawn = self._drawn
        groups = frozenset(drawn.sample(GROUPS, drawn.randrange(4)))
        roles = frozenset({Role.READER} if drawn.random() < 0.85 else {drawn.choice(list(Role)[1:])})
        is_key = self._n % 3 > 0
        zones = drawn.choice([frozenset(ZONES), frozenset(ZONES[:1]), frozenset(ZONES[1:]), frozenset()])
        if is_key and drawn.random() < 0.4:
            zones = None
        principal = Principal(subject=f"caller-{self._n}", groups=groups, zones=zones)
        seen = self._draw_collections(is_key=is_key)
        if not is_key:
            shown = self._sign(principal, roles, seen)
            return HttpCaller(principal=principal, roles=roles, credential=shown, collections=seen)
        wanted = KeyRequest(
            subject=principal.subject, roles=roles, groups=groups, zones=zones, collections=seen
        )
        made = StoredKeyService(self._settings).create(wanted)
        return HttpCaller(
            principal=principal,
            roles=roles,
            credential=made["key"],
            collections=seen,
            key_id=made["key_id"],
        )

    def _draw_collections(self, *, is_key: bool) -> frozenset[str] | None:
        """Return what somebody may see: at least two in three see the first collection."""
        names = self._collections
        if not names or (is_key and self._drawn.random() < 0.3):
            return None if is_key or not names else frozenset(names)
        return self._drawn.choice([frozenset(names), frozenset(names[:1]), frozenset(names[1:])])

    def _sign(self, principal: Principal, roles: frozenset[Role], collections: frozenset[str] | None) -> str:
        now = int(time.time())
        claims = {
            "iss": _ISSUER,
            "aud": "eagleray",
            "sub": principal.subject,
            "iat": now,
            "exp": now + 36_000,
            "groups": sorted(principal.groups),
            "zones": sorted(principal.zones or ()),
            "roles": sorted(roles),
            "collections": sorted(collections or ()),
        }
        return jwt.encode({"alg": "ES256", "typ": "JWT", "kid": "one"}, claims, self._signer)
