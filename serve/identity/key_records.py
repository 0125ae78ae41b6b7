"""What is kept of an API key: its holder, its dates, and a hash that only the key itself can match."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import SecretStr

from eagleray.contracts.callers import Authentication, Caller, Role
from eagleray.contracts.principals import Principal
from eagleray.digests import canonical_json
from eagleray.errors import IntegrityError
from indexes.snapshots.seals import seal, unseal
from serve.identity.key_texts import KeyText

_PURPOSE: Final = "eagleray API key 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """What a key says of its holder; never changed.

    Attributes:
        key_id: public name of the key.
        principal: who asks with it, and which rows they may read.
        roles: what they may do.
        created: microseconds.
        expires: microseconds; refused from then on.
        note: what it is for.
        collections: that the holder may see; `None` for every one of the store.
    """

    key_id: str
    principal: Principal
    roles: frozenset[Role]
    created: int
    expires: int
    note: str = ""
    collections: frozenset[str] | None = None

    def to_caller(self) -> Caller:
        """Return who asks."""
        return Caller(
            principal=self.principal,
            roles=self.roles,
            authentication=Authentication.API_KEY,
            key_id=self.key_id,
            collections=self.collections,
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values, lists sorted; what is not bounded to collections names none."""
        zones = self.principal.zones
        bound = {} if self.collections is None else {"collections": sorted(self.collections)}
        return {
            "key_id": self.key_id,
            "subject": self.principal.subject,
            "groups": sorted(self.principal.groups),
            "zones": None if zones is None else sorted(zones),
            "roles": sorted(self.roles),
            "created": self.created,
            "expires": self.expires,
            "note": self.note,
            **bound,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """Facts and hash, as they lie in the store.

    Attributes:
        facts: of the key.
        hashed: 64 hex digits, what `hash_key` returned.
    """

    facts: KeyFacts
    hashed: str = field(repr=False)

    def matches(self, key: KeyText, *, pepper: SecretStr | None) -> bool:
        """Return whether this is the key's record, unchanged, compared in constant time."""
        return hmac.compare_digest(self.hashed, hash_key(key, self.facts, pepper=pepper))


def hash_key(key: KeyText, facts: KeyFacts, *, pepper: SecretStr | None) -> str:
    """Return HMAC-SHA-256, keyed with the pepper, of the secret together with the facts: 64 hex digits.

    One fast hash is right here. Slow hashes and salts make it dear to guess passwords, which people choose;
    a secret of 256 bits by chance cannot be guessed or looked up in a table, and a slow hash would let
    anybody who sends keys keep the processor busy. The facts are hashed with it, so that nobody who can
    write to the store can give a key another role or date; with a pepper, neither can they make a key.

    Source: RFC 2104 (HMAC); NIST SP 800-63B-4, section 3.1.2 (secrets by chance, of 112 bits or more).
    """
    shared = b"" if pepper is None else pepper.get_secret_value().encode()
    message = canonical_json([_PURPOSE, key.secret, facts.to_json()])
    return hmac.new(shared, message, hashlib.sha256).hexdigest()


def encode_record(record: KeyRecord, *, name: str) -> bytes:
    """Return the bytes of a record, sealed for the object `name`."""
    return seal({"facts": record.facts.to_json(), "hash": record.hashed}, name=name)


def decode_record(data: bytes, *, name: str) -> KeyRecord:
    """Return a record.

    Raises:
        IntegrityError: the seal does not hold, or what it covers is no record.
    """
    entry = unseal(data, name=name, path=name)
    try:
        facts, hashed = entry["facts"], entry["hash"]
        zones = facts["zones"]
        principal = Principal(
            subject=facts["subject"],
            groups=frozenset(facts["groups"]),
            zones=None if zones is None else frozenset(zones),
        )
        return KeyRecord(
            facts=KeyFacts(
                key_id=facts["key_id"],
                principal=principal,
                roles=frozenset(Role(role) for role in facts["roles"]),
                created=facts["created"],
                expires=facts["expires"],
                note=facts["note"],
                collections=frozenset(facts["collections"]) if "collections" in facts else None,
            ),
            hashed=hashed,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(path=name, expected="a key's record", found=type(error).__name__) from error
