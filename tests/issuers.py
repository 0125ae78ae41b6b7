"""An issuer of tokens for tests, with real keys."""

from __future__ import annotations

import json
from functools import cache

from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey

from eagleray.setting_groups.serving import OidcSettings

ISSUER, AUDIENCE = "https://id.bank.example", "eagleray"
SETTINGS = OidcSettings(issuer=ISSUER, audience=AUDIENCE, key_set="unused.json")
EVERY = ["RS256", "RS384", "PS256", "ES256", "ES384", "HS256", "none"]


@cache
def make_rsa(kid, size=2048):
    return RSAKey.generate_key(size, {"kid": kid})


@cache
def make_curve(kid, curve="P-256"):
    return ECKey.generate_key(curve, {"kid": kid})


def write_set(*keys, **words):
    """Return the text of a set of the public parts of keys."""
    return json.dumps({"keys": [{**key.as_dict(private=False), **words} for key in keys]}).encode()


def make_claims(clock, **changes):
    now = int(clock.now_s)
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ann",
        "iat": now,
        "exp": now + 600,
        "groups": ["rates", "credit desk"],
        "zones": "eu us",
        "roles": ["reader", "offline_access"],
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def sign(key, claims, *, algorithm="RS256", kid="one", **header):
    """Return a token; a header word of `None` is left out."""
    words = {"alg": algorithm, "typ": "JWT", "kid": kid} | header
    words = {name: value for name, value in words.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=EVERY, strict_check_header=False)
    return jwt.encode(words, claims, key, registry=registry, default_type=None)
