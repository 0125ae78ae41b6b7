"""From the text of an API key to its caller, or one error that says nothing.

A wrong id takes the same steps as a wrong secret: the record is looked for, then the revocation, then a
hash is made and compared, with a stand-in where there is no record. Only what was accepted is remembered,
by a digest of the whole text: no guess is answered sooner for the id being right, and guesses fill no memory.
"""

from __future__ import annotations

import hashlib
import threading
from typing import Final

from pydantic import SecretStr

from eagleray.contracts.callers import Caller
from eagleray.contracts.ports import Store
from eagleray.contracts.principals import Principal
from eagleray.errors import AuthenticationError, IntegrityError
from serve.identity.clocks import IdentityClock
from serve.identity.key_records import KeyFacts, KeyRecord, decode_record, encode_record
from serve.identity.key_store import is_revoked, name_record, read_record
from serve.identity.key_texts import KeyText, parse_key

_MAX_REMEMBERED: Final = 10_000
_STAND_IN: Final = encode_record(
    KeyRecord(
        facts=KeyFacts(
            key_id="0" * 16, principal=Principal(subject="nobody"), roles=frozenset(), created=0, expires=0
        ),
        hashed="0" * 64,
    ),
    name=name_record("0" * 16),
)


class KeyChecker:
    """Checks keys against a store; may be used by several threads."""

    def __init__(
        self, store: Store, *, pepper: SecretStr | None, cache_s: float, clock: IdentityClock | None = None
    ) -> None:
        """Take the parts.

        Args:
            store: that holds the keys.
            pepper: what they were made with.
            cache_s: seconds that a remote store's word is good for; a local store is asked at every use.
            clock: tells the time.
        """
        self._store, self._pepper, self._clock = store, pepper, clock or IdentityClock()
        self._cache_s = 0.0 if store.url.startswith("file:") else cache_s
        self._remembered: dict[bytes, tuple[KeyFacts, float]] = {}
        self._lock = threading.Lock()

    def authenticate(self, text: str) -> Caller:
        """Return who holds the key.

        Raises:
            AuthenticationError: the key is malformed, unknown, wrong, revoked or expired.
            StoreError: the store could not be asked.
        """
        key = parse_key(text)
        if key is None:
            raise AuthenticationError(reason="key_malformed")
        digest = hashlib.sha256(text.encode("ascii")).digest()
        facts = self._recall(digest)
        if facts is None:
            asked_at = self._clock.elapsed_s()  # before the store is asked: what is revoked after that counts
            facts = self._look_up(key)
            self._remember(digest, facts, asked_at)
        if self._clock.now_s() * 1e6 >= facts.expires:
            raise AuthenticationError(reason="key_expired", key_id=key.key_id)
        return facts.to_caller()

    def _look_up(self, key: KeyText) -> KeyFacts:
        try:
            found = read_record(self._store, key.key_id)
        except IntegrityError:
            raise AuthenticationError(reason="key_damaged", key_id=key.key_id) from None
        record = found or decode_record(_STAND_IN, name=name_record("0" * 16))
        is_gone = is_revoked(self._store, key.key_id)
        is_right = record.matches(key, pepper=self._pepper)
        if found is None:
            raise AuthenticationError(reason="key_unknown", key_id=key.key_id)
        if not is_right:
            raise AuthenticationError(reason="key_wrong", key_id=key.key_id)
        if is_gone:
            raise AuthenticationError(reason="key_revoked", key_id=key.key_id)
        return found.facts

    def _recall(self, digest: bytes) -> KeyFacts | None:
        with self._lock:
            facts, asked_at = self._remembered.get(digest, (None, 0.0))
        return facts if self._clock.elapsed_s() - asked_at < self._cache_s else None

    def _remember(self, digest: bytes, facts: KeyFacts, asked_at: float) -> None:
        if not self._cache_s:
            return
        with self._lock:
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[digest] = (facts, asked_at)
