"""A store in a local folder: temporary name, fsync, rename; a crash leaves the old object whole."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from eagleray.contracts.ports import StoredObject
from eagleray.errors import ObjectNotFoundError, StoreError
from indexes.storage.naming import check_name

_T = TypeVar("_T")
_TEMPORARY = ".partial-"


class LocalStore:
    """Objects are files below `root`; names that leave it are refused."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    @property
    def url(self) -> str:
        """`file://` and the folder."""
        return self._root.as_uri()

    def read(self, path: str) -> bytes:
        """Return the whole object."""
        return self._reading(path, Path.read_bytes)

    def read_range(self, path: str, start: int, end: int) -> bytes:
        """Return bytes `start` to `end`, exclusive."""

        def read(file: Path) -> bytes:
            with file.open("rb") as stream:
                stream.seek(start)
                return stream.read(end - start)

        return self._reading(path, read)

    def write(self, path: str, data: bytes) -> None:
        """Write the object, durably."""
        self._write(path, lambda stream_path: stream_path.write_bytes(data), replace=True)

    def create(self, path: str, data: bytes) -> bool:
        """Write the object unless there is one; return whether this call made it."""
        return self._write(path, lambda stream_path: stream_path.write_bytes(data), replace=False)

    def upload(self, local: Path, path: str) -> None:
        """Copy a local file in, durably."""
        self._write(path, lambda stream_path: shutil.copyfile(local, stream_path), replace=True)

    def download(self, path: str, local: Path) -> None:
        """Copy an object to a local file."""
        self._reading(path, lambda file: shutil.copyfile(file, local))

    def exists(self, path: str) -> bool:
        """Return whether there is such an object."""
        return self._locate(path).is_file()

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the objects below a folder, in the order of their names."""
        folder = self._locate(prefix.strip("/")) if prefix else self._root
        files = (Path(base) / name for base, _, names in os.walk(folder) for name in names)
        named = sorted((file.relative_to(self._root).as_posix(), file) for file in files)
        for name, file in named:
            if file.name.startswith(_TEMPORARY):
                continue
            with suppress(FileNotFoundError):
                facts = file.stat()
                tag = f"{facts.st_mtime_ns:x}-{facts.st_size:x}-{facts.st_ino:x}"
                yield StoredObject(
                    path=name, size_bytes=facts.st_size, modified=facts.st_mtime_ns // 1000, tag=tag
                )

    def find_local(self, path: str) -> Path | None:
        """Return the file behind the object."""
        file = self._locate(path)
        return file if file.exists() else None

    def delete(self, path: str) -> None:
        """Remove the object if it is there."""
        self._locate(path).unlink(missing_ok=True)

    def _locate(self, path: str) -> Path:
        return self._root / check_name(path)

    def _reading(self, path: str, read: Callable[[Path], _T]) -> _T:
        try:
            return read(self._locate(path))
        except FileNotFoundError as error:
            raise ObjectNotFoundError(path=f"{self.url}/{path}", detail="there is no such object") from error
        except OSError as error:
            raise StoreError(path=f"{self.url}/{path}", detail=str(error)) from error

    def _write(self, path: str, fill: Callable[[Path], object], *, replace: bool) -> bool:
        final = self._locate(path)
        partial = final.parent / f"{_TEMPORARY}{uuid.uuid4().hex}"
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
            fill(partial)
            _sync(partial)
            if replace:
                partial.replace(final)
            else:
                os.link(partial, final)
            _sync(final.parent)
        except FileExistsError:
            return False
        except OSError as error:
            raise StoreError(path=f"{self.url}/{path}", detail=str(error)) from error
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        return True


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
