"""The public keys of an issuer, from the text of its key set (JWKS).

A key is taken for the signatures that its kind, its curve and its own words allow, and for no others: a
public key is never a shared secret. What cannot be used safely is passed over, and the rest is taken.

Source: RFC 7517 (JWK), RFC 7518, sections 3.3 to 3.5 and 6 (kinds of keys and of signatures).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import base64_to_int

_RSA_ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_CURVE_ALGORITHM: Final = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_LEAST_RSA_BITS: Final = 2048
"""Source: RFC 7518, section 3.3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A key that signatures are checked with.

    Attributes:
        key_id: `kid`; empty where the set names none.
        algorithms: of the signatures it checks.
        key: for joserfc.
    """

    key_id: str
    algorithms: frozenset[str]
    key: RSAKey | ECKey = field(repr=False)


def parse_key_set(data: bytes) -> tuple[PublicKey, ...]:
    """Return the keys of a set that can be used; there may be none.

    Raises:
        ValueError: `data` is no key set.
    """
    try:
        body = json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    entries = body.get("keys") if isinstance(body, dict) else None
    if not isinstance(entries, list):
        raise ValueError("expected an object with a list `keys`")
    return tuple(key for entry in entries if (key := _read_key(entry)) is not None)


def pick_key(keys: Sequence[PublicKey], *, key_id: str, algorithm: str) -> PublicKey | None:
    """Return the one key of that id that checks these signatures; `None` for none, or for several.

    Args:
        keys: of the set.
        key_id: from the token; empty where it names none, and any id will do.
        algorithm: from the token, one of those accepted.
    """
    found = [key for key in keys if algorithm in key.algorithms and (not key_id or key.key_id == key_id)]
    return found[0] if len(found) == 1 else None


def _read_key(entry: Any) -> PublicKey | None:
    if not isinstance(entry, dict) or not _is_for_checking(entry):
        return None
    try:
        algorithms, key = _take_rsa(entry) if entry["kty"] == "RSA" else _take_curve(entry)
    except (JoseError, KeyError, TypeError, ValueError):
        return None
    if "alg" in entry:
        algorithms &= {str(entry["alg"])}
    key_id = entry.get("kid", "")
    if not algorithms or not isinstance(key_id, str):
        return None
    return PublicKey(key_id=key_id, algorithms=algorithms, key=key)


def _is_for_checking(entry: Mapping[str, Any]) -> bool:
    """Return whether a key is public and made for signatures, and its private part not shown."""
    operations = entry.get("key_ops", ["verify"])
    is_meant = entry.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations
    return is_meant and entry.get("kty") in ("RSA", "EC") and "d" not in entry


def _take_rsa(entry: Mapping[str, Any]) -> tuple[frozenset[str], RSAKey]:
    if base64_to_int(entry["n"]).bit_length() < _LEAST_RSA_BITS:
        raise ValueError("too short")
    return _RSA_ALGORITHMS, RSAKey.import_key({"kty": "RSA", "n": entry["n"], "e": entry["e"]})


def _take_curve(entry: Mapping[str, Any]) -> tuple[frozenset[str], ECKey]:
    algorithm = _CURVE_ALGORITHM[entry["crv"]]
    key = ECKey.import_key({"kty": "EC", "crv": entry["crv"], "x": entry["x"], "y": entry["y"]})
    return frozenset({algorithm}), key
