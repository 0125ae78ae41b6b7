"""Where a server is and what is shown to it: checked before anything is sent.

Needs httpx: what reads the address here is what connects to it later, so both see the same host.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from eagleray.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A collection that a server has.

    Attributes:
        url: of the server, without a slash at the end; holds no secret.
        collection: name of the collection.
        is_loopback: whether the server is on this machine.
        api_key: shown to it; empty for none. Neither its `repr` nor an error shows it.
    """

    url: str
    collection: str
    is_loopback: bool
    api_key: SecretStr = field(repr=False)

    @property
    def collection_url(self) -> str:
        """Where questions go; what is asked follows."""
        return f"{self.url}/collections/{quote(self.collection, safe='')}"

    def make_headers(self) -> dict[str, str]:
        """Return the headers of a question; they hold the key."""
        headers = {"content-type": "application/json", "accept": "application/json"}
        key = self.api_key.get_secret_value()
        return {**headers, "authorization": f"Bearer {key}"} if key else headers


def read_endpoint(url: str, *, collection: str, api_key: str, allow_http: bool) -> Endpoint:
    """Return a collection's endpoint.

    Args:
        url: `https://host`, or `http://` on loopback; a port and a path may follow.
        collection: name of the collection.
        api_key: API key or token; empty for none.
        allow_http: whether a key may go over plain HTTP to another machine.

    Raises:
        InputError: the address or the key cannot be used, or others on the way could read the key.
    """
    try:
        read = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise InputError(detail="the server's URL cannot be read; expected https://host:port") from error
    if read.userinfo or read.query or read.fragment:
        raise InputError(
            detail="the server's URL holds a password, a query or a fragment; give host and path alone, "
            "and a key as api_key"
        )
    if read.scheme not in ("http", "https") or not read.host:
        raise InputError(detail=f"server {url!r}: expected https://host:port, or http:// on loopback")
    if any(not "!" <= character <= "~" for character in api_key):
        raise InputError(detail="the API key holds blanks or other characters that no key has")
    is_loopback = _is_loopback(read.host)
    if api_key and read.scheme == "http" and not is_loopback and not allow_http:
        raise InputError(
            detail=f"an API key would go to {read.host} over plain HTTP, readable by anyone on the network; "
            "use https://, or allow_http where the network is trusted"
        )
    return Endpoint(
        url=str(read).rstrip("/"),
        collection=collection,
        is_loopback=is_loopback,
        api_key=SecretStr(api_key),
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
