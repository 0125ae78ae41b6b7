"""A store in an S3-compatible service, through obstore: conditional puts, no local state."""

from __future__ import annotations

import builtins
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import S3Store as ObstoreS3

from eagleray.contracts.object_names import check_name, is_name
from eagleray.contracts.ports import OnUnlisted, StoredObject
from eagleray.contracts.times import to_micros
from eagleray.errors import ObjectNotFoundError, StoreError
from eagleray.setting_groups.engine import S3Settings
from indexes.storage.s3_listing import find_signer, list_keys
from indexes.storage.s3_signing import Signer

if TYPE_CHECKING:
    from obstore import ObjectMeta

_BLOCK_BYTES = 8 << 20
_UNNAMED = "object with invalid path"
"""How the client words a key that it cannot name; it gives up the whole page."""

_UNNAMED_HINT = (
    "; move it out of the prefix; `ingest` passes such keys over where EAGLERAY_S3__ACCESS_KEY_ID and "
    "EAGLERAY_S3__SECRET_ACCESS_KEY are set"
)
_CONTROL = frozenset(map(chr, (*range(32), 127)))
"""Characters that the client takes in no name."""

_NO_ANSWER = "error sending request"
"""How the client words a connection that was refused or timed out."""


class S3Store:
    """Objects below `s3://bucket/prefix`.

    No key is ever in what is pickled of it: a copy asks `shared` for the settings. A store that has keys and
    nothing to ask cannot be pickled.

    Args:
        bucket: name.
        prefix: of all keys.
        settings: how the service is reached.
        shared: gives a pickled copy the same settings; survives pickling itself, and holds no key then.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str,
        settings: S3Settings,
        *,
        shared: Callable[[], S3Settings] | None = None,
    ) -> None:
        self._bucket, self._prefix, self._settings = bucket, prefix.strip("/"), settings
        self._shared = shared
        self._inner = _connect(bucket, self._prefix, settings)

    def __reduce__(self) -> tuple[Callable[..., S3Store], tuple[object, ...]]:
        if self._shared is not None:
            return (_open_copy, (self._bucket, self._prefix, self._shared))
        if self._settings.access_key_id is None and self._settings.secret_access_key is None:
            return (S3Store, (self._bucket, self._prefix, self._settings))
        raise pickle.PicklingError(f"{self.url}: expected `shared`, so that its keys are not pickled")

    @property
    def url(self) -> str:
        """`s3://bucket/prefix`."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def read(self, path: str) -> bytes:
        """Return the whole object."""
        with self._translating(check_name(path)):
            return bytes(self._inner.get(path).bytes())

    def read_range(self, path: str, start: int, end: int) -> bytes:
        """Return bytes `start` to `end`, exclusive; fewer where the object ends before."""
        with self._translating(check_name(path)):
            size = self._inner.head(path)["size"]
            if start >= min(end, size):
                return b""
            return bytes(self._inner.get_range(path, start=start, end=min(end, size)))

    def write(self, path: str, data: bytes) -> None:
        """Write the object."""
        with self._translating(check_name(path)):
            self._inner.put(path, data)

    def create(self, path: str, data: bytes) -> bool:
        """Write the object unless there is one; return whether this call made it."""
        with self._translating(check_name(path)):
            try:
                self._inner.put(path, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
        return True

    def upload(self, local: Path, path: str) -> None:
        """Copy a local file in."""
        with self._translating(check_name(path)):
            self._inner.put(path, local)

    def download(self, path: str, local: Path) -> None:
        """Copy an object to a local file, in blocks."""
        with self._translating(check_name(path)), local.open("wb") as target:
            for block in self._inner.get(path).stream(min_chunk_size=_BLOCK_BYTES):
                target.write(block)

    def exists(self, path: str) -> bool:
        """Return whether there is such an object."""
        try:
            with self._translating(check_name(path)):
                self._inner.head(path)
        except ObjectNotFoundError:
            return False
        return True

    def list(self, prefix: str, *, on_unlisted: OnUnlisted | None = None) -> Iterator[StoredObject]:
        """Yield the objects below a folder, in the order of their names."""
        folder = check_name(prefix.strip("/")) if prefix else None
        with self._translating(prefix):
            try:
                found = [_describe_object(meta) for page in self._inner.list(folder) for meta in page]
            except BaseError as error:
                signer = find_signer(self._settings)
                if on_unlisted is None or signer is None or _UNNAMED not in str(error):
                    raise
                found = self._list_named(folder, on_unlisted, signer=signer)
        yield from sorted(found, key=lambda item: item.path)

    def list_folders(self) -> tuple[str, ...]:
        """Return the names of the folders at the top of the store, sorted."""
        with self._translating(""):
            found = self._inner.list_with_delimiter()["common_prefixes"]
        return tuple(sorted(name.rstrip("/") for name in found))

    def _list_named(
        self, folder: str | None, on_unlisted: OnUnlisted, *, signer: Signer
    ) -> builtins.list[StoredObject]:
        """Return the objects whose keys are names, as obstore would without the others on their page."""
        root = f"{self._prefix}/" if self._prefix else ""
        found = []
        below = f"{root}{folder}/" if folder else root
        for item in list_keys(self._bucket, below, self._settings, signer=signer):
            name = item.path.removeprefix(root)
            path = name if item.size_bytes else name.removesuffix("/")  # the marker of a folder
            if name and not is_key_name(path):
                on_unlisted(name)
            else:
                found.append(replace(item, path=path))
        return found

    def find_local(self, path: str) -> Path | None:  # noqa: ARG002 - the port's signature
        """Return `None`: there is no file behind an object of a service."""
        return None

    def delete(self, path: str) -> None:
        """Remove the object if it is there."""
        with self._translating(check_name(path)):
            obstore.delete(self._inner, path)

    @contextmanager
    def _translating(self, path: str) -> Iterator[None]:
        try:
            yield
        except (NotFoundError, FileNotFoundError) as error:
            raise ObjectNotFoundError(path=f"{self.url}/{path}", detail="there is no such object") from error
        except (BaseError, OSError) as error:
            raise StoreError(path=f"{self.url}/{path}", detail=_describe(error)) from error


def _open_copy(bucket: str, prefix: str, shared: Callable[[], S3Settings]) -> S3Store:
    return S3Store(bucket, prefix, shared(), shared=shared)


def is_key_name(path: str) -> bool:
    """Return whether the client takes `path` as a key, or as the beginning of keys."""
    return is_name(path) and _CONTROL.isdisjoint(path)


def _describe_object(meta: ObjectMeta) -> StoredObject:
    return StoredObject(
        path=meta["path"],
        size_bytes=meta["size"],
        modified=to_micros(meta["last_modified"]),
        tag=meta["e_tag"] or "",
    )


def _describe(error: Exception) -> str:
    """Return the line of an error that people read, and what to do where nobody answered."""
    detail = str(error).split("\n", 1)[0].strip()
    if _NO_ANSWER in detail:
        detail += "; the service does not answer: check EAGLERAY_S3__ENDPOINT, and run the same command again"
    if _UNNAMED in detail:
        detail += _UNNAMED_HINT
    return detail


def _connect(bucket: str, prefix: str, settings: S3Settings) -> ObstoreS3:
    config: dict[str, str | bool] = {
        "region": settings.region,
        "allow_http": settings.allow_http,
        "virtual_hosted_style_request": False,
    }
    if settings.endpoint:
        config["endpoint"] = settings.endpoint
    if settings.access_key_id is not None:
        config["access_key_id"] = settings.access_key_id.get_secret_value()
    if settings.secret_access_key is not None:
        config["secret_access_key"] = settings.secret_access_key.get_secret_value()
    return ObstoreS3(
        bucket,
        prefix=prefix or None,
        config=config,  # type: ignore[arg-type]  # obstore checks the names itself
        client_options={
            "timeout": timedelta(seconds=settings.timeout_s),
            "allow_http": settings.allow_http,
        },
        retry_config={"max_retries": 5, "retry_timeout": timedelta(seconds=3 * settings.timeout_s)},
    )
