"""Where a server may listen, and who may ask without showing anything."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from eagleray.contracts.callers import Authentication, Caller, Role
from eagleray.contracts.principals import Principal
from eagleray.errors import AuthenticationError, ExposureError
from eagleray.setting_groups.serving import AuthSettings, ServeSettings

DEVELOPER: Final = Caller(
    principal=Principal(subject="development"),
    roles=frozenset(Role),
    authentication=Authentication.DEVELOPMENT,
)
"""Has every role and zone, and no groups: rows with groups stay hidden."""


_OTHER_SITE: Final = "cross-site"
"""Source: W3C, Fetch Metadata Request Headers, section 2.3."""


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches `host`: `localhost`, or an address that is loopback.

    Other names are not looked up: what they lead to may change.
    """
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def check_local(host: str, origin: str, *, site: str = "") -> None:
    """Refuse an unauthenticated request that a page of another site may have sent.

    A name of such a site can be made to lead to loopback (DNS rebinding); its page then names that site.

    Args:
        host: header `Host`, with its port.
        origin: header `Origin`; empty where there is none, as for everything but browsers.
        site: header `Sec-Fetch-Site`, by which browsers also tell of requests without an origin: those of
            scripts and images.

    Raises:
        AuthenticationError: one of them names something else than loopback, or another site.
    """
    named = [_find_name(f"//{host}")] + ([_find_name(origin)] if origin else [])
    is_elsewhere = not origin and site == _OTHER_SITE
    if is_elsewhere or not all(is_loopback(name) for name in named):
        raise AuthenticationError(reason="sent_by_another_site")


def _find_name(address: str) -> str:
    """Return the name of the host of an address; empty where it has none, or is none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def check_exposure(host: str, settings: AuthSettings) -> None:
    """Refuse to listen beyond loopback where nobody is asked who they are.

    Args:
        host: where the server shall listen; an empty one is every address.
        settings: how callers are known.

    Raises:
        ExposureError: neither keys nor tokens are accepted there, or the development principal would be.
    """
    if is_loopback(host):
        return
    if settings.is_development:
        detail = "EAGLERAY_AUTH__IS_DEVELOPMENT is for loopback alone; unset it, or listen on 127.0.0.1"
        raise ExposureError(host=host, detail=detail)
    if not settings.api_keys and not settings.oidc.issuer:
        detail = (
            "nobody would be asked who they are; set EAGLERAY_AUTH__API_KEYS or EAGLERAY_AUTH__OIDC__ISSUER, "
            "or listen on 127.0.0.1"
        )
        raise ExposureError(host=host, detail=detail)


def check_metrics_exposure(host: str, settings: ServeSettings) -> None:
    """Refuse to show metrics beyond loopback to unauthenticated requests.

    Args:
        host: where the server shall listen; an empty one is every address.
        settings: who may read metrics.

    Raises:
        ExposureError: everybody who reaches the server could read them.
    """
    if settings.metrics == "loopback" and not is_loopback(host):
        detail = (
            "EAGLERAY_SERVE__METRICS=loopback shows metrics to unauthenticated requests; set it to callers "
            "or off, or listen on 127.0.0.1"
        )
        raise ExposureError(host=host, detail=detail)


def find_developer(host: str, settings: AuthSettings) -> Caller | None:
    """Return who asks where nothing is shown: the developer on loopback, if the settings say so, or nobody.

    Args:
        host: where the server listens.
        settings: how callers are known.
    """
    return DEVELOPER if settings.is_development and is_loopback(host) else None
