"""Where records and bytes of uploads lie: below a folder of their owner, so that nobody meets another's."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any, Final, TypeVar

from eagleray.contracts.ports import Store
from eagleray.digests import canonical_json, digest_bytes, digest_json
from eagleray.errors import IntegrityError, NotPublishedError, ObjectNotFoundError
from serve.uploads.records import AttachedRecord, BatchRecord, FileRecord, StoreRecord, end_left, is_name

_FOLDER: Final = "uploads"
_CONTENTS: Final = "contents"

Kept = TypeVar("Kept", FileRecord, StoreRecord, AttachedRecord, BatchRecord)


class OwnRecords:
    """The records of one caller in one collection; every method may block.

    Args:
        store: where the collection lies.
        collection: its name.
        subject: of the caller.
    """

    def __init__(self, store: Store, collection: str, *, subject: str) -> None:
        self._store = store
        self._root = f"{collection}/{_FOLDER}/{digest_json(['owner', subject])[:32]}"

    def put(self, record: FileRecord | StoreRecord | AttachedRecord | BatchRecord) -> None:
        """Write a record, in the place of the one of its name."""
        self._store.write(self._locate(record.folder, *record.names), canonical_json(asdict(record)))

    def find(self, kind: type[Kept], *names: str) -> Kept:
        """Return the record of a name.

        Raises:
            NotPublishedError: this caller has none; others may.
            IntegrityError: it is damaged.
        """
        if all(map(is_name, names)):
            path = self._locate(kind.folder, *names)
            try:
                return _decode(kind, self._store.read(path), path)
            except ObjectNotFoundError:
                pass  # told below, as for a name that can be none
        raise NotPublishedError(name=names[-1], detail="you have nothing of this name here")

    def list(self, kind: type[Kept], *names: str) -> list[Kept]:
        """Return the records of a kind, or those below a name, in the order they were made."""
        prefix = "/".join((self._root, kind.folder, *names))
        found = []
        for item in self._store.list(prefix):
            try:
                found.append(_decode(kind, self._store.read(item.path), item.path))
            except ObjectNotFoundError:
                continue  # removed since it was listed
        return sorted(found, key=lambda record: (record.created, record.names))

    def remove(self, record: FileRecord | StoreRecord | AttachedRecord | BatchRecord) -> None:
        """Remove a record."""
        self._store.delete(self._locate(record.folder, *record.names))

    def put_content(self, file_id: str, data: bytes) -> None:
        """Keep the bytes of a file."""
        self._store.write(f"{self._root}/{_CONTENTS}/{file_id}", data)

    def read_content(self, file: FileRecord) -> bytes:
        """Return the bytes of a file.

        Raises:
            IntegrityError: they are not those that were uploaded.
            ObjectNotFoundError: they were removed.
        """
        path = f"{self._root}/{_CONTENTS}/{file.file_id}"
        data = self._store.read(path)
        if digest_bytes(data) != file.sha256:
            raise IntegrityError(path=path, expected=file.sha256, found=digest_bytes(data))
        return data

    def remove_content(self, file_id: str) -> None:
        """Remove the bytes of a file."""
        self._store.delete(f"{self._root}/{_CONTENTS}/{file_id}")

    def _locate(self, folder: str, *names: str) -> str:
        return f"{'/'.join((self._root, folder, *names))}.json"


def _decode(kind: type[Kept], data: bytes, path: str) -> Kept:
    try:
        shown = json.loads(data).items()
        fields: Any = {name: tuple(value) if isinstance(value, list) else value for name, value in shown}
        record = kind(**fields)
    except (ValueError, TypeError, AttributeError) as error:
        raise IntegrityError(path=path, expected="a record of an upload", found="other bytes") from error
    return end_left(record, now=time.time_ns() // 1_000) if isinstance(record, AttachedRecord) else record
