"""Where the proxy of Ray Serve listens: what decides who may ask without showing anything."""

from __future__ import annotations

from ray.serve._private.constants import RAY_SERVE_ENABLE_HA_PROXY
from ray.serve.context import _get_global_client

_EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - named, not listened on


def find_host() -> str:
    """Return the address that requests come to; with HAProxy every one, as its replicas listen on all."""
    client = _get_global_client()
    if client is None or RAY_SERVE_ENABLE_HA_PROXY:
        return _EVERY_ADDRESS
    return str(client.http_config.host or _EVERY_ADDRESS)
