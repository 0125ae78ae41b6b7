"""What somebody shows, to who they are; made of settings for a server that listens somewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Protocol

from eagleray.contracts.callers import Caller
from eagleray.contracts.ports import Store
from eagleray.contracts.principals import drop_private_groups
from eagleray.errors import AuthenticationError, InputError
from eagleray.setting_groups.serving import AuthSettings, OidcSettings
from serve.identity.clocks import IdentityClock
from serve.identity.exposure import check_exposure, find_developer
from serve.identity.key_checking import KeyChecker
from serve.identity.key_set_following import Ages, KeySetFollower, open_key_set_source
from serve.identity.key_texts import PREFIX
from serve.identity.token_checking import TokenChecker

_WAYS: Final = "EAGLERAY_AUTH__API_KEYS=true, EAGLERAY_AUTH__OIDC__ISSUER, or on loopback --development"


class Checker(Protocol):
    """Knows one kind of credential."""

    def authenticate(self, text: str) -> Caller:
        """Return who shows it, or raise `AuthenticationError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """Knows callers by what they show; a kind that is not accepted has no checker.

    Attributes:
        keys: checks API keys.
        tokens: checks tokens.
        nobody: who asks where nothing is shown; `None` refuses that.
    """

    keys: Checker | None = None
    tokens: Checker | None = None
    nobody: Caller | None = None

    def authenticate(self, credential: str) -> Caller:
        """Return who asks.

        Private groups that a credential claims are dropped.

        Args:
            credential: an API key or a token, as it follows `Bearer`; empty where nothing is shown. What is
                shown and wrong is refused, also where nothing would do.

        Raises:
            AuthenticationError: it is not known who asks.
            KeySetError: tokens cannot be checked now.
            StoreError: keys cannot be checked now.
        """
        if not credential:
            if self.nobody is None:
                raise AuthenticationError(reason="nothing_shown")
            return self.nobody
        checker = self.keys if credential.startswith(PREFIX) else self.tokens
        if checker is None:
            raise AuthenticationError(reason="kind_not_accepted")
        caller = checker.authenticate(credential)
        return replace(caller, principal=drop_private_groups(caller.principal))


def open_authenticator(
    settings: AuthSettings, *, store: Store, host: str, clock: IdentityClock | None = None
) -> Authenticator:
    """Return what knows the callers of a server.

    Args:
        settings: how callers are known.
        store: that holds the API keys.
        host: where the server will listen.
        clock: tells the time.

    Raises:
        ExposureError: the server must not listen there.
        InputError: no caller could be authenticated, or the key set has an address that is not safe.
    """
    check_exposure(host, settings)
    keys = KeyChecker(store, pepper=settings.key_pepper, cache_s=settings.key_cache_s, clock=clock)
    made = Authenticator(
        keys=keys if settings.api_keys else None,
        tokens=_open_tokens(settings.oidc, clock) if settings.oidc.issuer else None,
        nobody=find_developer(host, settings),
    )
    if made.keys is None and made.tokens is None and made.nobody is None:
        raise InputError(detail=f"no caller could be authenticated: set {_WAYS}")
    return made


def _open_tokens(settings: OidcSettings, clock: IdentityClock | None) -> TokenChecker:
    fetch = open_key_set_source(settings.key_set, timeout_s=settings.timeout_s)
    ages = Ages(
        min_interval_s=settings.min_interval_s,
        max_age_s=settings.max_age_s,
        max_stale_s=settings.max_stale_s,
    )
    return TokenChecker(settings, KeySetFollower(fetch, ages, clock), clock)
