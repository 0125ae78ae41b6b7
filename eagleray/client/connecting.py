"""`eagleray.connect` and its twin that awaits: a client of a served collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eagleray.client.choices import read_seconds, read_text
from eagleray.client.remote import RemoteCollection
from eagleray.client.remote_async import AsyncRemoteCollection
from eagleray.errors import MissingExtraError
from eagleray.settings import load_settings

if TYPE_CHECKING:
    from eagleray.client.endpoints import Endpoint


def connect(
    url: str,
    *,
    collection: str = "",
    api_key: str = "",
    snapshot: str = "",
    timeout_s: float = 30.0,
    allow_http: bool = False,
) -> RemoteCollection:
    """Return a client of a collection that `eagleray serve` has; nothing is sent yet.

    Keep it and ask it many times: it keeps connections open until `close`, or the end of a `with` block.

    Args:
        url: of the server: `https://host`, or `http://127.0.0.1:8000` on loopback.
        collection: its name; empty takes `EAGLERAY_COLLECTION`.
        api_key: API key or token; empty takes `EAGLERAY_API_KEY`, and shows none where that is empty, too.
        snapshot: whole id of the one that must answer; empty for the one that is served.
        timeout_s: seconds of a call that names none, retries with it.
        allow_http: whether the key may go over plain HTTP to another machine.

    Raises:
        InputError: the address or the key cannot be used, or others on the way could read the key.
        MissingExtraError: httpx is not installed.
    """
    read_text("snapshot", snapshot), read_seconds("timeout_s", timeout_s)
    endpoint = _read_endpoint(url, collection=collection, api_key=api_key, allow_http=allow_http)
    from eagleray.client.transports import HttpTransport

    return RemoteCollection(endpoint, HttpTransport(endpoint), snapshot=snapshot, timeout_s=timeout_s)


def connect_async(
    url: str,
    *,
    collection: str = "",
    api_key: str = "",
    snapshot: str = "",
    timeout_s: float = 30.0,
    allow_http: bool = False,
) -> AsyncRemoteCollection:
    """Return a client whose methods are awaited, under asyncio; arguments and errors as of `connect`.

    It is closed by `aclose`, or the end of an `async with` block.

    Raises:
        InputError: the address or the key cannot be used, or others on the way could read the key.
        MissingExtraError: httpx is not installed.
    """
    read_text("snapshot", snapshot), read_seconds("timeout_s", timeout_s)
    endpoint = _read_endpoint(url, collection=collection, api_key=api_key, allow_http=allow_http)
    from eagleray.client.transports import AsyncHttpTransport

    return AsyncRemoteCollection(
        endpoint, AsyncHttpTransport(endpoint), snapshot=snapshot, timeout_s=timeout_s
    )


def _read_endpoint(url: str, *, collection: str, api_key: str, allow_http: bool) -> Endpoint:
    try:
        from eagleray.client.endpoints import read_endpoint
    except ModuleNotFoundError as error:
        raise MissingExtraError(part="httpx", extra="client") from error
    named = {"url": url, "collection": collection, "api_key": api_key}
    for name, value in named.items():
        read_text(name, value)
    settings = load_settings(**({"collection": collection} if collection else {}))
    kept = settings.api_key.get_secret_value() if settings.api_key else ""
    return read_endpoint(url, collection=settings.collection, api_key=api_key or kept, allow_http=allow_http)
