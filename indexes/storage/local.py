"""A store in a local folder: temporary name, fsync, rename; a crash leaves the old object whole.

The folder is made by the first write. Once it was seen it is never made again: a folder that is
gone while a job runs is an error, not an empty store.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from eagleray.contracts.object_names import check_name
from eagleray.contracts.ports import OnUnlisted, StoredObject
from eagleray.errors import ObjectNotFoundError, StoreError

_T = TypeVar("_T")
_TEMPORARY = ".partial-"
_ESCAPE = re.compile(r"\\x(5c|[89a-f][0-9a-f])")
_UNKNOWN: Final = "unknown"
"""Tag of a file that may not be looked at: another one once it may."""


class LocalStore:
    """Objects are files below `root`; names that leave it are refused.

    A pickled copy knows whether the folder was seen, so workers notice that it is gone.

    Args:
        root: the folder.
        is_seen: whether it was seen already, so that it has to be there.
    """

    def __init__(self, root: Path, *, is_seen: bool = False) -> None:
        self._root = root.absolute()
        self._is_seen = is_seen

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
        return self._reading(path, Path.is_file)

    def list(self, prefix: str, *, on_unlisted: OnUnlisted | None = None) -> Iterator[StoredObject]:
        """Yield the objects below a folder, in the order of their names; pipes and devices are none."""
        self._check_there()
        folder = self._locate(prefix.strip("/")) if prefix else self._root

        def leave(error: OSError) -> None:
            """Go on without a folder that cannot be opened, or give up where that is not wanted."""
            if isinstance(error, FileNotFoundError):
                return
            closed = Path(error.filename or folder)
            if on_unlisted is None or closed == folder:
                raise StoreError(path=self.url, detail=_describe(error)) from error
            on_unlisted(_escape(closed.relative_to(self._root).as_posix()))

        files = (Path(base) / name for base, _, names in os.walk(folder, onerror=leave) for name in names)
        named = sorted((_escape(file.relative_to(self._root).as_posix()), file) for file in files)
        for name, file in named:
            found = None if file.name.startswith(_TEMPORARY) else _find_object(file, name)
            if found is not None:
                yield found

    def list_folders(self) -> tuple[str, ...]:
        """Return the names of the folders at the top of the store, sorted."""
        self._check_there()
        try:
            with os.scandir(self._root) as entries:
                return tuple(sorted(_escape(entry.name) for entry in entries if entry.is_dir()))
        except FileNotFoundError:
            return ()  # nothing was ever written to it
        except OSError as error:
            raise StoreError(path=self.url, detail=_describe(error)) from error

    def find_local(self, path: str) -> Path | None:
        """Return the file behind the object."""
        return self._locate(path) if self._reading(path, Path.exists) else None

    def delete(self, path: str) -> None:
        """Remove the object if it is there."""
        self._reading(path, lambda file: file.unlink(missing_ok=True))

    def _locate(self, path: str) -> Path:
        return self._root / _unescape(check_name(path))

    def _reading(self, path: str, read: Callable[[Path], _T]) -> _T:
        self._check_there()
        try:
            return read(self._locate(path))
        except FileNotFoundError as error:
            raise ObjectNotFoundError(path=f"{self.url}/{path}", detail="there is no such object") from error
        except OSError as error:
            raise StoreError(path=f"{self.url}/{path}", detail=_describe(error)) from error

    def _write(self, path: str, fill: Callable[[Path], object], *, replace: bool) -> bool:
        final = self._locate(path)
        partial = final.parent / f"{_TEMPORARY}{uuid.uuid4().hex}"
        self._check_there()
        try:
            self._make_folder(final.parent)
            fill(partial)
            _sync(partial)
            is_new = _put_in_place(partial, final, replace=replace)
            _sync(final.parent)
        except OSError as error:
            self._check_there()
            raise StoreError(path=f"{self.url}/{path}", detail=_describe(error)) from error
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        return is_new

    def _make_folder(self, folder: Path) -> None:
        """Make a folder of the store, but never the store's own again."""
        if not self._is_seen:
            self._root.mkdir(parents=True, exist_ok=True)
            self._is_seen = True
        missing = []
        while not folder.is_dir() and folder != self._root:
            missing.append(folder)
            folder = folder.parent
        for step in reversed(missing):
            step.mkdir(exist_ok=True)

    def _check_there(self) -> None:
        """Refuse to go on without a folder that was there before.

        Raises:
            StoreError: the folder is gone, or cannot be looked at.
        """
        was_seen = self._is_seen  # before looking: another thread may make the folder meanwhile
        try:
            is_there = self._root.is_dir()
        except OSError as error:
            raise StoreError(path=self.url, detail=_describe(error)) from error
        if is_there:
            self._is_seen = True
        elif was_seen:
            detail = "the folder was there and is gone; bring it back and run the same command again"
            raise StoreError(path=self.url, detail=detail)


def _find_object(file: Path, name: str) -> StoredObject | None:
    """Return a file, a link that leads nowhere, or what may not be looked at; `None` where it is no file."""
    try:
        facts = _find_facts(file)
    except (FileNotFoundError, NotADirectoryError):
        return None  # it went meanwhile
    except OSError:
        return StoredObject(path=name, size_bytes=0, modified=0, tag=_UNKNOWN)
    if not stat.S_ISREG(facts.st_mode) and not stat.S_ISLNK(facts.st_mode):
        return None
    tag = f"{facts.st_mtime_ns:x}-{facts.st_size:x}-{facts.st_ino:x}"
    return StoredObject(path=name, size_bytes=facts.st_size, modified=facts.st_mtime_ns // 1000, tag=tag)


def _find_facts(file: Path) -> os.stat_result:
    """Return a file's size and times, a link's where it leads nowhere."""
    with suppress(OSError):
        return file.stat()
    return file.lstat()


def _escape(name: str) -> str:
    r"""Return a name, bytes that are no UTF-8 as `\xNN`, and a backslash that looks like one as `\x5c`."""
    plain = _ESCAPE.sub(lambda match: f"\\x5c{match[0][1:]}", name)
    return os.fsencode(plain).decode("utf-8", "backslashreplace")


def _unescape(name: str) -> str:
    return _ESCAPE.sub(lambda match: "\\" if match[1] == "5c" else chr(0xDC00 + int(match[1], 16)), name)


def _put_in_place(partial: Path, final: Path, *, replace: bool) -> bool:
    """Give a written file its name; return whether this call made the object."""
    if replace:
        partial.replace(final)
        return True
    try:
        os.link(partial, final)
    except FileExistsError:
        return False
    return True


def _describe(error: OSError) -> str:
    """Return what the system says of a failure, and what to do where that is known."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{error.strerror}; free some space and run the same command again"
    return str(error)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
