"""Where a key set is read from: a file, `https://…`, or `http://` on loopback. No redirect is followed."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from eagleray.errors import InputError
from serve.identity.exposure import is_loopback

_MAX_BYTES: Final = 1 << 20


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Makes an error of a redirect: keys come from the address that was set, or not at all."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def open_key_set_source(where: str, *, timeout_s: float) -> Callable[[], bytes]:
    """Return what reads the text of a key set; it raises `OSError` or `HTTPException` where that fails.

    Args:
        where: an address or a file.
        timeout_s: seconds one step of a request may take.

    Raises:
        InputError: an address of another kind.
    """
    parts = urlsplit(where)
    if parts.scheme in ("", "file"):
        path = Path(unquote(parts.path)) if parts.scheme else Path(where).expanduser()
        return lambda: _check_size(path.read_bytes())
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    if not is_safe or not parts.hostname:
        expected = "expected https://, http:// on loopback, or a file"
        raise InputError(detail=f"key set at {parts.scheme}://{parts.hostname or ''}: {expected}")
    opener = urllib.request.build_opener(_NoRedirect)

    def fetch() -> bytes:
        with opener.open(where, timeout=timeout_s) as answer:
            return _check_size(answer.read(_MAX_BYTES + 1))

    return fetch


def _check_size(data: bytes) -> bytes:
    if len(data) > _MAX_BYTES:
        raise OSError(f"the key set is longer than {_MAX_BYTES} bytes")
    return data
