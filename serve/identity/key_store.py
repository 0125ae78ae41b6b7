"""API keys in a store: `_keys/records/<id>.json` and, once one is revoked, `_keys/revoked/<id>.json`.

Both kinds are only ever created, never changed or removed: of two who revoke at once one makes the object,
the other finds it, and nothing undoes it. That there is such an object is the revocation, whatever is in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from eagleray.contracts.ports import Store
from eagleray.digests import canonical_json
from eagleray.errors import InputError, ObjectNotFoundError, StoreError
from serve.identity.key_records import KeyFacts, KeyRecord, decode_record, encode_record, hash_key
from serve.identity.key_texts import KeyText, is_key_id, make_key

FOLDER: Final = "_keys"
_RECORDS: Final = f"{FOLDER}/records"
_REVOKED: Final = f"{FOLDER}/revoked"
_TRIES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """A key as it stands: its facts, and whether it is revoked."""

    facts: KeyFacts
    is_revoked: bool


def name_record(key_id: str) -> str:
    """Return the name of a key's record."""
    return f"{_RECORDS}/{key_id}.json"


def name_revocation(key_id: str) -> str:
    """Return the name of what revokes a key."""
    return f"{_REVOKED}/{key_id}.json"


def create_key(
    store: Store,
    describe: Callable[[str], KeyFacts],
    *,
    pepper: SecretStr | None,
    make: Callable[[], KeyText] = make_key,
) -> tuple[KeyText, KeyFacts]:
    """Make a key and keep its record; its text is nowhere but in what is returned.

    Args:
        store: that takes the record.
        describe: returns the facts of the key of an id.
        pepper: goes into its hash.
        make: returns a new key.

    Raises:
        StoreError: the store failed, or held every id that was tried.
    """
    for _ in range(_TRIES):
        key = make()
        facts, name = describe(key.key_id), name_record(key.key_id)
        data = encode_record(KeyRecord(facts=facts, hashed=hash_key(key, facts, pepper=pepper)), name=name)
        # A service may make the object and lose the answer; the retry is then refused by our own bytes.
        if store.create(name, data) or store.read(name) == data:
            return key, facts
    raise StoreError(path=f"{store.url}/{_RECORDS}", detail="every new id was taken already")


def read_record(store: Store, key_id: str) -> KeyRecord | None:
    """Return a key's record, or `None` where there is none.

    Raises:
        IntegrityError: it is damaged.
    """
    name = name_record(key_id)
    try:
        data = store.read(name)
    except ObjectNotFoundError:
        return None
    return decode_record(data, name=name)


def is_revoked(store: Store, key_id: str) -> bool:
    """Return whether a key is revoked."""
    return store.exists(name_revocation(key_id))


def revoke_key(store: Store, key_id: str, *, now: int) -> bool:
    """Revoke a key; return whether it was not revoked before.

    Args:
        store: that holds the key.
        key_id: its id, 16 hex digits. Nothing else is repeated in an error: it may be a whole key.
        now: microseconds.

    Raises:
        InputError: there is no such key.
    """
    if not is_key_id(key_id):
        raise InputError(detail="expected a key's id: the 16 digits between `er_` and the next `_`")
    if not store.exists(name_record(key_id)):
        raise InputError(detail=f"there is no key {key_id}; `eagleray keys list` shows those that exist")
    return store.create(name_revocation(key_id), canonical_json({"revoked": now}))


def list_keys(store: Store) -> list[KeyState]:
    """Return every key, oldest first.

    Raises:
        IntegrityError: a record is damaged.
    """
    ids = [_find_id(item.path) for item in store.list(_RECORDS)]
    revoked = {_find_id(item.path) for item in store.list(_REVOKED)}
    records = [record for key_id in ids if (record := read_record(store, key_id)) is not None]
    states = [KeyState(facts=item.facts, is_revoked=item.facts.key_id in revoked) for item in records]
    return sorted(states, key=lambda state: (state.facts.created, state.facts.key_id))


def _find_id(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".json")
