"""API keys as the command line calls them; registered as the part `keys`."""

from __future__ import annotations

import time
from typing import Any, Final

from eagleray.contracts.ports import Store
from eagleray.contracts.principals import Principal
from eagleray.contracts.services import KeyRequest
from eagleray.contracts.times import format_micros
from eagleray.errors import InputError
from eagleray.logs import get_logger
from eagleray.settings import Settings
from indexes.storage import open_store
from serve.identity.key_records import KeyFacts
from serve.identity.key_store import KeyState, create_key, list_keys, revoke_key

_DAY_MICROS: Final = 86_400_000_000

_log = get_logger()


class StoredKeyService:
    """Makes, revokes and lists the keys of a store."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def create(self, request: KeyRequest) -> dict[str, Any]:
        """Make a key; its text, `key`, is in the answer and nowhere else."""
        if not request.subject.strip() or not request.roles:
            raise InputError(detail="a key needs a subject and at least one role")
        now = _now()

        def describe(key_id: str) -> KeyFacts:
            return KeyFacts(
                key_id=key_id,
                principal=Principal(subject=request.subject, groups=request.groups, zones=request.zones),
                roles=request.roles,
                created=now,
                expires=now + request.days * _DAY_MICROS,
                note=request.note,
                collections=request.collections,
            )

        key, facts = create_key(self._open_store(), describe, pepper=self._settings.auth.key_pepper)
        _log.info("key_created", key_id=facts.key_id, subject=request.subject, roles=sorted(facts.roles))
        return {"key": key.write(), **_show(facts)}

    def revoke(self, *, key_id: str) -> dict[str, Any]:
        """Revoke a key for good; revoking it again changes nothing."""
        is_new = revoke_key(self._open_store(), key_id, now=_now())
        _log.info("key_revoked", key_id=key_id, changed=is_new)
        return {"key_id": key_id, "state": "revoked", "changed": is_new}

    def list_keys(self) -> list[dict[str, Any]]:
        """Return every key that was made, oldest first, with its state; never its text."""
        now = _now()
        return [
            {**_show(item.facts), "state": _find_state(item, now)} for item in list_keys(self._open_store())
        ]

    def _open_store(self) -> Store:
        return open_store(self._settings.store, s3=self._settings.s3)


def _now() -> int:
    return time.time_ns() // 1000


def _find_state(state: KeyState, now: int) -> str:
    if state.is_revoked:
        return "revoked"
    return "expired" if now >= state.facts.expires else "valid"


def _show(facts: KeyFacts) -> dict[str, Any]:
    shown = {"collections": None} | facts.to_json()
    return {**shown, "created": format_micros(facts.created), "expires": format_micros(facts.expires)}
