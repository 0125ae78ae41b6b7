"""Small JSON objects below one folder of a store: made once, written over, read and listed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from eagleray.contracts.ports import Store
from eagleray.digests import canonical_json
from eagleray.errors import IntegrityError, ObjectNotFoundError

Fields = dict[str, Any]


class Objects:
    """The objects below a folder; every method may block.

    Args:
        store: where they lie.
        root: the folder.
    """

    def __init__(self, store: Store, root: str) -> None:
        self._store, self._root = store, root

    def create(self, path: str, fields: Fields | None = None) -> bool:
        """Make an object unless there is one; return whether this call made it."""
        return self._store.create(self._locate(path), canonical_json(fields or {}))

    def write(self, path: str, fields: Fields) -> None:
        """Write an object, in the place of the one of its name."""
        self._store.write(self._locate(path), canonical_json(fields))

    def write_bytes(self, path: str, data: bytes) -> None:
        """Write an object that is no JSON."""
        self._store.write(self._locate(path), data)

    def read(self, path: str) -> Fields | None:
        """Return an object; `None` where there is none.

        Raises:
            IntegrityError: it is damaged.
        """
        try:
            data = self._store.read(self._locate(path))
        except ObjectNotFoundError:
            return None
        try:
            shown = json.loads(data)
        except ValueError as error:
            raise self.tell_damage(path) from error
        if not isinstance(shown, dict):
            raise self.tell_damage(path)
        return shown

    def read_bytes(self, path: str) -> bytes:
        """Return an object that is no JSON.

        Raises:
            ObjectNotFoundError: there is none.
        """
        return self._store.read(self._locate(path))

    def exists(self, path: str) -> bool:
        """Return whether there is such an object."""
        return self._store.exists(self._locate(path))

    def delete(self, path: str) -> None:
        """Remove an object, if it is there."""
        self._store.delete(self._locate(path))

    def list(self, folder: str = "") -> Iterator[tuple[str, int]]:
        """Yield path and time of change, microseconds, of the objects below a folder."""
        for item in self._store.list(self._locate(folder) if folder else self._root):
            yield item.path.removeprefix(f"{self._root}/"), item.modified

    def tell_damage(self, path: str) -> IntegrityError:
        """Return the error that says that an object is damaged."""
        return IntegrityError(
            path=self._locate(path), expected="a record of an upload", found="something else"
        )

    def _locate(self, path: str) -> str:
        return f"{self._root}/{path}"
