"""Objects by name: one durable local folder store and one S3-compatible store, opened by their URLs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from eagleray.contracts.ports import Store
from eagleray.errors import InputError
from eagleray.setting_groups.engine import S3Settings
from indexes.storage.local import LocalStore
from indexes.storage.s3 import S3Store, is_key_name

_S3: Final = "s3://"
_EXPECTED: Final = "expected a folder, file:///folder or s3://bucket/prefix"


def open_store(
    url: str | Path, *, s3: S3Settings | None = None, shared: Callable[[], S3Settings] | None = None
) -> Store:
    """Return the store behind a folder, `file:///folder` or `s3://bucket/prefix`.

    Args:
        url: of the store; a path is a folder.
        s3: how a service is reached.
        shared: gives copies in other processes the same settings, so that no key is pickled (`S3Store`).

    Raises:
        InputError: the URL is empty, has white space at an end, another scheme, or a host where only a folder
            can be meant; names no bucket; or has a prefix that no store can lie below.
    """
    if isinstance(url, Path):
        return LocalStore(url)
    if not url or url != url.strip():
        detail = "expected no white space at its ends" if url.strip() else _EXPECTED
        raise InputError(detail=f"store {url!r}: {detail}")
    if url[: len(_S3)].lower() == _S3:
        return _open_bucket(url, s3 or S3Settings(), shared)
    try:
        scheme = urlsplit(url).scheme
    except ValueError as error:  # brackets that enclose no address
        raise InputError(detail=f"store {url!r}: it is not a URL") from error
    if scheme == "":
        return LocalStore(Path(url).expanduser())
    if scheme == "file":
        return LocalStore(read_file_url(url))
    raise InputError(detail=f"store {url!r}: {_EXPECTED}")


def read_file_url(url: str) -> Path:
    """Return the folder that `file:///folder` names.

    Raises:
        InputError: a host stands in it, as where two slashes were written for three.
    """
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        detail = f"{parts.netloc!r} stands where a host does; expected file:///folder, with three slashes"
        raise InputError(detail=f"{url!r}: {detail}")
    return Path(unquote(parts.path))


def _open_bucket(url: str, s3: S3Settings, shared: Callable[[], S3Settings] | None) -> S3Store:
    """Return the store below a prefix, a part of keys as it stands: `?`, `#` and `%` mean nothing."""
    bucket, _, prefix = url[len(_S3) :].partition("/")
    if not bucket:
        raise InputError(detail=f"store {url!r}: expected s3://bucket/prefix, found no bucket")
    if prefix and not is_key_name(prefix.removesuffix("/")):
        detail = "no part of its prefix may be empty (//), `.` or `..`, or hold a control character"
        raise InputError(detail=f"store {url!r}: {detail}; name another prefix")
    return S3Store(bucket, prefix, s3, shared=shared)
