"""The key set of an issuer: fetched when it is needed, not oftener than is good for the issuer.

It is fetched again once it is too old, and when a token names a key that is not in it. Whatever tokens say,
two requests are some seconds apart. A key that the new set lacks is gone. While no set can be had, the last
good one is used for a time that has an end.

It is read from a file, from `https://…`, or from `http://` on loopback; no redirect is followed.
"""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from eagleray.errors import InputError, KeySetError
from eagleray.logs import get_logger
from serve.identity.clocks import IdentityClock
from serve.identity.exposure import is_loopback
from serve.identity.key_sets import PublicKey, parse_key_set, pick_key

Fetch = Callable[[], bytes]
"""Returns the text of the key set, or raises; called by one thread at a time."""

_MAX_BYTES: Final = 1 << 20
"""Of the text of a key set."""

_log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """How old a key set may be, in seconds.

    Attributes:
        min_interval_s: least time between two requests.
        max_age_s: after which it is asked for again.
        max_stale_s: after which it is not used, whatever the reason there is no newer one.
    """

    min_interval_s: float
    max_age_s: float
    max_stale_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A key set, and when it was asked for."""

    keys: tuple[PublicKey, ...]
    asked_at: float


class KeySetFollower:
    """Finds keys; may be used by several threads."""

    def __init__(self, fetch: Fetch, ages: Ages, clock: IdentityClock | None = None) -> None:
        self._fetch, self._ages, self._clock = fetch, ages, clock or IdentityClock()
        self._known: _Known | None = None
        self._tried_at: float | None = None
        self._lock = threading.Lock()

    def find(self, *, key_id: str, algorithm: str) -> PublicKey | None:
        """Return the key that a token names, or `None` where the issuer has none such.

        Args:
            key_id: empty where the token names none.
            algorithm: of its signature.

        Raises:
            KeySetError: there is no key set, or the last good one is too old.
        """
        known = self._known if self._is_usable(self._known) else None
        found = None if known is None else pick_key(known.keys, key_id=key_id, algorithm=algorithm)
        if known is not None and found is not None and self._age(known) < self._ages.max_age_s:
            return found
        # Who has a key that may be used does not wait while another thread asks for the set.
        if self._lock.acquire(blocking=found is None):
            try:
                self._renew()
            finally:
                self._lock.release()
        known = self._known
        if known is None or not self._is_usable(known):
            raise KeySetError(detail="the issuer's keys cannot be had")
        return pick_key(known.keys, key_id=key_id, algorithm=algorithm)

    def _renew(self) -> None:
        """Fetch the set, unless that was just done or tried; what fails leaves the old one."""
        now = self._clock.elapsed_s()
        if self._tried_at is not None and now - self._tried_at < self._ages.min_interval_s:
            return
        try:
            keys = parse_key_set(self._fetch())
        except Exception as error:  # noqa: BLE001 - whatever a source raises, the last good set serves on
            _log.warning("key_set_not_fetched", error=type(error).__name__)
        else:
            self._known = _Known(keys=keys, asked_at=now)
            _log.info("key_set_fetched", n_keys=len(keys), key_ids=[key.key_id for key in keys])
        self._tried_at = self._clock.elapsed_s()  # its end: who waited for a slow answer does not ask again

    def _is_usable(self, known: _Known | None) -> bool:
        return known is not None and self._age(known) < self._ages.max_stale_s

    def _age(self, known: _Known) -> float:
        return self._clock.elapsed_s() - known.asked_at


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
