"""From the text of a token (JWT) to its caller, or one error that says nothing.

The algorithm is one of those set, never what the token would like; the key is one of the issuer's that is
made for it. Claims are read after the signature was found good.

Source: RFC 7519 (JWT); RFC 8725 (best practices), sections 3.1 to 3.12.
"""

from __future__ import annotations

import json
from typing import Any, Final

from joserfc import jws
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jwt import JWTClaimsRegistry

from eagleray.contracts.callers import Caller
from eagleray.errors import AuthenticationError
from eagleray.setting_groups.serving import OidcSettings
from serve.identity.claims import to_caller
from serve.identity.clocks import IdentityClock
from serve.identity.key_set_following import KeySetFollower

_MAX_CHARACTERS: Final = 32_768
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
"""Kinds of tokens that let somebody in; the same issuer signs others, such as `logout+jwt`."""


class TokenChecker:
    """Checks tokens of one issuer; may be used by several threads."""

    def __init__(
        self, settings: OidcSettings, keys: KeySetFollower, clock: IdentityClock | None = None
    ) -> None:
        """Take the parts.

        Args:
            settings: what a token must be.
            keys: of the issuer.
            clock: tells the time.
        """
        self._settings, self._keys, self._clock = settings, keys, clock or IdentityClock()
        self._algorithms = frozenset(settings.algorithms.split())
        self._registry = jws.JWSRegistry(algorithms=self._algorithms, strict_check_header=False)

    def authenticate(self, text: str) -> Caller:
        """Return who bears the token.

        Raises:
            AuthenticationError: it is malformed, not signed by the issuer, for somebody else, or not for now.
            KeySetError: the issuer's keys cannot be had.
        """
        token = self._extract(text)
        key_id = self._check_signature(token)
        claims = _read_claims(token.payload)
        self._check_claims(claims, key_id)
        return to_caller(claims, self._settings, key_id=key_id)

    def _extract(self, text: str) -> jws.CompactSignature:
        if len(text) > _MAX_CHARACTERS:
            raise AuthenticationError(reason="token_malformed")
        try:
            token = jws.extract_compact(text.encode("ascii"), registry=self._registry)
            header = token.headers()
            is_plain = "crit" not in header and "b64" not in header
            is_login = str(header.get("typ", "jwt")).lower() in _TYPES
        except (JoseError, ValueError, TypeError, AttributeError):
            raise AuthenticationError(reason="token_malformed") from None  # the cause may quote the token
        if not is_plain or not is_login:
            raise AuthenticationError(reason="token_of_another_kind")
        return token

    def _check_signature(self, token: jws.CompactSignature) -> str:
        """Return the id of the key that signed the token."""
        header = token.headers()
        algorithm, key_id = header["alg"], header.get("kid", "")
        if not isinstance(algorithm, str) or algorithm not in self._algorithms:
            raise AuthenticationError(reason="token_algorithm_refused")
        if not isinstance(key_id, str):
            raise AuthenticationError(reason="token_malformed")
        key = self._keys.find(key_id=key_id, algorithm=algorithm)
        if key is None:
            raise AuthenticationError(reason="token_key_unknown")
        try:
            is_good = jws.validate_compact(token, key.key, registry=self._registry)
        except (JoseError, ValueError):
            is_good = False
        if not is_good:
            raise AuthenticationError(reason="token_signature_wrong", key_id=key.key_id)
        return key.key_id

    def _check_claims(self, claims: dict[str, Any], key_id: str) -> None:
        registry = JWTClaimsRegistry(
            now=int(self._clock.now_s()),
            leeway=self._settings.leeway_s,
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": self._settings.audience},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            registry.validate(claims)
        except ExpiredTokenError:
            raise AuthenticationError(reason="token_expired", key_id=key_id) from None
        except ClaimError as error:
            raise AuthenticationError(reason=f"token_{error.error}_{error.claim}", key_id=key_id) from None


def _read_claims(payload: bytes | None) -> dict[str, Any]:
    """Return the claims; what two readers could take for two tokens is none (RFC 8725, section 2.4)."""
    try:
        claims = json.loads(
            (payload or b"").decode(), object_pairs_hook=_read_object, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError):
        raise AuthenticationError(reason="token_malformed") from None
    if not isinstance(claims, dict):
        raise AuthenticationError(reason="token_malformed")
    return claims


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
