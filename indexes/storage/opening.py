"""From a URL or a folder's name to a store."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from eagleray.contracts.ports import Store
from eagleray.errors import InputError
from eagleray.setting_groups.engine import S3Settings
from indexes.storage.local import LocalStore
from indexes.storage.s3 import S3Store


def open_store(url: str | Path, *, s3: S3Settings | None = None) -> Store:
    """Return the store behind a folder, `file:///folder` or `s3://bucket/prefix`.

    Raises:
        InputError: the URL has another scheme or names no bucket.
    """
    if isinstance(url, Path):
        return LocalStore(url)
    try:
        parts = urlsplit(url)
    except ValueError as error:  # brackets that enclose no address
        raise InputError(detail=f"store {url!r}: it is no URL") from error
    if parts.scheme == "":
        return LocalStore(Path(url).expanduser())
    if parts.scheme == "file":
        return LocalStore(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        return S3Store(parts.netloc, parts.path, s3 or S3Settings())
    raise InputError(detail=f"store {url!r}: expected a folder, file:///folder or s3://bucket/prefix")
