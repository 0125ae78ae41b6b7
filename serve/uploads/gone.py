"""What is remembered of what was deleted: when it was made, so that lists that are read in pages go on there.

`gone/NAME` is written as something goes, and forgotten a day later.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from eagleray.errors import IntegrityError
from serve.uploads.objects import Objects
from serve.uploads.records import read_clock

_FOLDER: Final = "gone"
_KEPT_US: Final = 86_400_000_000
"""Microseconds for which it is remembered."""


class Gone:
    """The things of one owner that are gone; every method may block."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def note(self, name: str, created: int) -> None:
        """Remember something that is about to go, and when it was made, microseconds."""
        self._objects.write(f"{_FOLDER}/{name}", {"created": created})

    def note_record(self, name: str, path: str) -> None:
        """Remember something by its record; what has none that can be read is in no list."""
        with suppress(IntegrityError):
            created = (self._objects.read(path) or {}).get("created")
            if isinstance(created, int):
                self.note(name, created)

    def find(self, name: str) -> int | None:
        """Return when it was made, microseconds; `None` where nothing is remembered."""
        record = self._objects.read(f"{_FOLDER}/{name}")
        return None if record is None else int(record["created"])

    def forget(self) -> None:
        """Remember no more what went long ago."""
        long_ago = read_clock() - _KEPT_US
        for path, changed in self._objects.list(_FOLDER):
            if changed < long_ago:
                self._objects.delete(path)
