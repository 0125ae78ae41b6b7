"""From settings to the door of a server that listens somewhere."""

from __future__ import annotations

from eagleray.contracts.ports import Store
from eagleray.setting_groups.serving import AuthSettings, OidcSettings
from serve.identity.authenticating import Authenticator
from serve.identity.clocks import IdentityClock
from serve.identity.exposure import check_exposure, find_developer
from serve.identity.key_checking import KeyChecker
from serve.identity.key_set_following import Ages, KeySetFollower
from serve.identity.key_set_sources import open_key_set_source
from serve.identity.token_checking import TokenChecker


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
        InputError: the key set has an address that is not safe.
    """
    check_exposure(host, settings)
    keys = KeyChecker(store, pepper=settings.key_pepper, cache_s=settings.key_cache_s, clock=clock)
    return Authenticator(
        keys=keys if settings.api_keys else None,
        tokens=_open_tokens(settings.oidc, clock) if settings.oidc.issuer else None,
        nobody=find_developer(host, settings),
    )


def _open_tokens(settings: OidcSettings, clock: IdentityClock | None) -> TokenChecker:
    fetch = open_key_set_source(settings.key_set, timeout_s=settings.timeout_s)
    ages = Ages(
        min_interval_s=settings.min_interval_s,
        max_age_s=settings.max_age_s,
        max_stale_s=settings.max_stale_s,
    )
    return TokenChecker(settings, KeySetFollower(fetch, ages, clock), clock)
