"""From the claims of a token, already checked, to a caller: what they do not say is not granted."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from eagleray.contracts.callers import Authentication, Caller, Role
from eagleray.contracts.principals import Principal
from eagleray.errors import AuthenticationError
from eagleray.setting_groups.serving import OidcSettings

MAX_WORD: Final = 1_024
"""Characters of a subject, a group or a zone."""

_UNFIT: Final = frozenset({"Cc", "Cs"})
"""Control characters and halves of surrogate pairs: what holds one cannot be shown, or not even be stored."""


def to_caller(claims: Mapping[str, Any], settings: OidcSettings, *, key_id: str) -> Caller:
    """Return who asks.

    Args:
        claims: of the token; `sub` is text.
        settings: which claims hold groups, zones, roles and collections.
        key_id: of the key that signed it.

    Raises:
        AuthenticationError: a claim is neither a list of words nor words with spaces between, or one of them,
            or `sub`, is longer than `MAX_WORD` or holds a control character.
    """
    if not _is_word(claims["sub"]):
        raise AuthenticationError(reason="token_claim_malformed")
    groups = _read_words(claims, settings.groups_claim)
    zones = _read_bounds(claims, settings.zones_claim)
    return Caller(
        principal=Principal(subject=claims["sub"], groups=groups or frozenset(), zones=zones),
        roles=_read_roles(claims, settings),
        authentication=Authentication.TOKEN,
        key_id=key_id,
        collections=_read_bounds(claims, settings.collections_claim),
    )


def _read_roles(claims: Mapping[str, Any], settings: OidcSettings) -> frozenset[Role]:
    words = _read_words(claims, settings.roles_claim)
    if words is None:
        return frozenset({Role.READER}) if settings.is_reader_by_default else frozenset()
    return frozenset(role for role in Role if role.value in words)


def _read_bounds(claims: Mapping[str, Any], name: str) -> frozenset[str] | None:
    """Return what a claim lists: nothing where there is none; `None`, for all, where no claim is named."""
    return _read_words(claims, name) or frozenset() if name else None


def _read_words(claims: Mapping[str, Any], name: str) -> frozenset[str] | None:
    """Return what a claim lists, or `None` where there is no such claim."""
    value = claims.get(name)
    if value is None:
        return None
    words = value.split() if isinstance(value, str) else value
    if not isinstance(words, list) or not all(_is_word(word) for word in words):
        raise AuthenticationError(reason="token_claim_malformed")
    return frozenset(words)


def _is_word(value: object) -> bool:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_WORD:
        return False
    return value.isprintable() or all(unicodedata.category(character) not in _UNFIT for character in value)
