"""API keys as the command line calls them; registered as the part `keys`."""

from __future__ import annotations

import time
from typing import Any, Final

from eagleray.contracts.callers import Role
from eagleray.contracts.ports import Store
from eagleray.contracts.principals import Principal
from eagleray.contracts.services import KeyRequest
from eagleray.contracts.times import format_micros
from eagleray.errors import InputError
from eagleray.logs import get_logger
from eagleray.settings import Settings
from indexes.snapshots.catalog import list_collections
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
        """Make a key; its text, `key`, is in the answer and nowhere else.

        `store` says where it was written, `warnings` what may keep it from being of use.
        """
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

        store = self._open_store()
        warnings = _list_warnings(store, request)
        key, facts = create_key(store, describe, pepper=self._settings.auth.key_pepper)
        _log.info("key_created", key_id=facts.key_id, subject=request.subject, roles=sorted(facts.roles))
        return {"key": key.write(), **_show(facts), "store": store.url, "warnings": warnings}

    def revoke(self, *, key_id: str) -> dict[str, Any]:
        """Revoke a key permanently; revoking it again changes nothing."""
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


def _list_warnings(store: Store, request: KeyRequest) -> list[str]:
    """Return what may keep a key from being of use: no zone, or a store without what it is for."""
    warnings = []
    if request.zones == frozenset() and request.roles & {Role.READER, Role.WRITER}:
        warnings.append("the key has no zones: its holder can read no row and write no document")
    found = list_collections(store) if store.url.startswith("file:") else None  # others may forbid listing
    if found == ():
        warnings.append(f"{store.url} holds no collection yet; if that is not meant, check its name")
    elif found is not None and (missing := sorted((request.collections or frozenset()).difference(found))):
        warnings.append(f"{store.url} does not hold {', '.join(missing)} yet; it has {', '.join(found[:10])}")
    return warnings


def _now() -> int:
    return time.time_ns() // 1000


def _find_state(state: KeyState, now: int) -> str:
    if state.is_revoked:
        return "revoked"
    return "expired" if now >= state.facts.expires else "valid"


def _show(facts: KeyFacts) -> dict[str, Any]:
    shown = {"collections": None} | facts.to_json()
    return {**shown, "created": format_micros(facts.created), "expires": format_micros(facts.expires)}
