"""Where files and vector stores lie: below a folder of their owner, so that nobody meets another's.

`files/FILE.json` and `stores/STORE.made` say that they exist; both are made once and removed once. Beside the
latter lie `.terms` (what its owner says of it), `.active` (its last use) and `.expired`, each of which means
nothing without it. What is attached lies in `attachments`, responses lie in `responses`, and what is
remembered of things that are gone in `gone`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final, TypeVar

from eagleray.contracts.ports import Store
from eagleray.digests import digest_bytes, digest_json
from eagleray.errors import IntegrityError, NotPublishedError
from serve.uploads.attachments import Attachments
from serve.uploads.gone import Gone
from serve.uploads.objects import Objects
from serve.uploads.records import (
    BatchRecord,
    FileRecord,
    StoreRecord,
    StoreTerms,
    is_name,
    read_clock,
    tell_missing,
)
from serve.uploads.responses import ResponseRecords

Made = TypeVar("Made", FileRecord, StoreRecord, StoreTerms, BatchRecord)

_FOLDER: Final = "uploads"
_ACTIVE_STEP_US: Final = 500_000
"""Microseconds within which a use of a vector store after another is not noted."""


class OwnRecords:
    """The records of one caller in one collection; every method may block.

    Args:
        store: where the collection lies.
        collection: its name.
        subject: of the caller.
        owner: name of their folder, where the subject is not known.
    """

    def __init__(self, store: Store, collection: str, *, subject: str = "", owner: str = "") -> None:
        folder = owner or digest_json(["owner", subject])[:32]
        self._objects = Objects(store, f"{collection}/{_FOLDER}/{folder}")
        self._gone = Gone(self._objects)
        self.attachments = Attachments(self._objects, self._gone)
        self.responses = ResponseRecords(self._objects)

    def add_file(self, file: FileRecord, data: bytes) -> None:
        """Keep a file: its bytes first, for it is there once its record is."""
        self._objects.write_bytes(f"contents/{file.file_id}", data)
        self._objects.create(f"files/{file.file_id}.json", asdict(file))

    def find_file(self, file_id: str) -> FileRecord:
        """Return a file that has not expired.

        Raises:
            NotPublishedError: this caller has none of the name; others may.
            IntegrityError: its record is damaged.
        """
        if is_name(file_id):
            path = f"files/{file_id}.json"
            fields = self._objects.read(path)
            file = None if fields is None else self._make_file(fields, path)
            if file is not None and file.is_there(read_clock()):
                return file
        raise tell_missing(file_id)

    def has_file(self, file_id: str) -> bool:
        """Return whether there is such a file, and it has not expired."""
        try:
            self.find_file(file_id)
        except NotPublishedError:
            return False
        return True

    def list_files(self) -> list[FileRecord]:
        """Return the files that have not expired, in the order they were made."""
        now = read_clock()
        found = [self._make_file(fields, path) for path, fields in self._read_all("files", ".json")]
        return sorted(
            (file for file in found if file.is_there(now)), key=lambda file: (file.created, file.file_id)
        )

    def list_file_ids(self) -> frozenset[str]:
        """Return the names of all files that were not deleted, those that have expired, too."""
        return frozenset(
            path.removeprefix("files/").removesuffix(".json") for path, _ in self._objects.list("files")
        )

    def read_content(self, file: FileRecord) -> bytes:
        """Return the bytes of a file.

        Raises:
            IntegrityError: they are not those that were uploaded.
            ObjectNotFoundError: they were removed.
        """
        path = f"contents/{file.file_id}"
        data = self._objects.read_bytes(path)
        if digest_bytes(data) != file.sha256:
            raise IntegrityError(path=path, expected=file.sha256, found=digest_bytes(data))
        return data

    def delete_file(self, file_id: str) -> bool:
        """Remove a file permanently, then its bytes; return whether it was there, or had left bytes."""
        if not is_name(file_id):
            return False
        was_there = any(self._objects.exists(path) for path in _list_parts(file_id))
        self._gone.note_record(file_id, f"files/{file_id}.json")
        for path in _list_parts(file_id):
            self._objects.delete(path)
        return was_there

    def find_gone(self, name: str) -> int | None:
        """Return when a file or vector store was made that was deleted lately, microseconds."""
        return self._gone.find(name) if is_name(name) else None

    def forget_gone(self) -> None:
        """Forget what was deleted long ago."""
        self._gone.forget()

    def list_contents(self) -> list[tuple[str, int]]:
        """Return file id and time of change, microseconds, of all bytes that are kept."""
        return [(path.removeprefix("contents/"), changed) for path, changed in self._objects.list("contents")]

    def add_store(self, store: StoreRecord) -> None:
        """Keep a vector store."""
        self.put_terms(store.store_id, store.terms)
        fields = {"store_id": store.store_id, "created": store.created}
        self._objects.create(f"stores/{store.store_id}.made", fields)

    def put_terms(self, store_id: str, terms: StoreTerms) -> None:
        """Write what its owner says of a vector store; it does not bring back one that was deleted."""
        self._objects.write(f"stores/{store_id}.terms", asdict(terms))

    def find_store(self, store_id: str, *, is_expired: bool | None = None) -> StoreRecord:
        """Return a vector store; one that was unused for too long is expired from then on.

        Args:
            store_id: its name.
            is_expired: `False` for one that has not expired; `None` for any.

        Raises:
            NotPublishedError: this caller has none of the name; others may.
            IntegrityError: its record is damaged.
        """
        found = self._read_store(store_id) if is_name(store_id) else None
        if found is None:
            raise tell_missing(store_id)
        if found.is_expired and is_expired is False:
            detail = "this vector store has expired, and its files are no longer in it; make another"
            raise NotPublishedError(name=store_id, detail=detail)
        return found

    def has_store(self, store_id: str) -> bool:
        """Return whether there is such a vector store, and it has not expired."""
        try:
            self.find_store(store_id, is_expired=False)
        except NotPublishedError:
            return False
        return True

    def list_stores(self) -> list[StoreRecord]:
        """Return the vector stores, in the order they were made."""
        names = [
            path.removeprefix("stores/").removesuffix(".made")
            for path, _ in self._objects.list("stores")
            if path.endswith(".made")
        ]
        found = [store for name in names if (store := self._read_store(name)) is not None]
        return sorted(found, key=lambda store: (store.created, store.store_id))

    def touch_store(self, store: StoreRecord) -> None:
        """Note that a vector store is used now."""
        now = read_clock()
        if now >= store.active + _ACTIVE_STEP_US:
            self._objects.write(f"stores/{store.store_id}.active", {"at": now})

    def delete_store(self, store_id: str) -> bool:
        """Remove a vector store permanently; return whether it was there, or had left anything."""
        if not is_name(store_id):
            return False
        parts = [f"stores/{store_id}.{part}" for part in ("made", "terms", "active", "expired")]
        parts += [path for path, _ in self._objects.list(f"batches/{store_id}")]
        was_there = any(self._objects.exists(path) for path in parts)
        self._gone.note_record(store_id, f"stores/{store_id}.made")
        for path in parts:
            self._objects.delete(path)
        return was_there

    def list_store_names(self) -> dict[str, int]:
        """Return the names of all vector stores of which anything is kept, deleted ones too.

        Each with the time of its last change, microseconds.
        """
        found: dict[str, int] = {}
        for folder in ("stores", "batches"):
            for path, changed in self._objects.list(folder):
                name = path.split("/")[1].split(".")[0]
                found[name] = max(changed, found.get(name, 0))
        return found

    def add_batch(self, batch: BatchRecord) -> None:
        """Keep a batch."""
        fields = {"store_id": batch.store_id, "batch_id": batch.batch_id, "created": batch.created}
        self._objects.create(f"batches/{batch.store_id}/{batch.batch_id}.json", fields)

    def find_batch(self, store_id: str, batch_id: str) -> BatchRecord:
        """Return a batch of a vector store that has not expired.

        Raises:
            NotPublishedError: this caller has none of the name; others may.
            IntegrityError: its record is damaged.
        """
        self.find_store(store_id, is_expired=False)
        if is_name(batch_id):
            path = f"batches/{store_id}/{batch_id}"
            fields = self._objects.read(f"{path}.json")
            if fields is not None:
                is_cancelled = self._objects.exists(f"{path}.cancelled")
                return self._make(BatchRecord, {**fields, "is_cancelled": is_cancelled}, path)
        raise tell_missing(batch_id)

    def cancel_batch(self, batch: BatchRecord) -> None:
        """Note that its owner wants no more of a batch."""
        self._objects.create(f"batches/{batch.store_id}/{batch.batch_id}.cancelled")

    def _read_store(self, store_id: str) -> StoreRecord | None:
        path = f"stores/{store_id}"
        terms = self._objects.read(f"{path}.terms") or {}
        active = self._objects.read(f"{path}.active") or {}
        is_expired = self._objects.exists(f"{path}.expired")
        made = self._objects.read(f"{path}.made")  # last: what was read before is its own
        if made is None:
            return None
        fields = {
            **made,
            "terms": self._make(StoreTerms, terms, path),
            "active": active.get("at", 0),
            "is_expired": is_expired,
        }
        found = self._make(StoreRecord, fields, path)
        if not found.is_expired and found.expires and read_clock() >= found.expires:
            self._objects.create(f"{path}.expired")
            return self._make(StoreRecord, {**fields, "is_expired": True}, path)
        return found

    def _read_all(self, folder: str, suffix: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for path, _ in self._objects.list(folder):
            fields = self._objects.read(path) if path.endswith(suffix) else None
            if fields is not None:  # else it was removed since it was listed
                yield path, fields

    def _make_file(self, fields: Mapping[str, Any], path: str) -> FileRecord:
        return self._make(FileRecord, fields, path)

    def _make(self, kind: type[Made], fields: Mapping[str, Any], path: str) -> Made:
        try:
            return kind(**fields)
        except TypeError as error:
            raise self._objects.tell_damage(path) from error


def list_owners(store: Store, collection: str) -> list[str]:
    """Return the names of the folders of those who keep anything."""
    objects = Objects(store, f"{collection}/{_FOLDER}")
    return sorted({path.split("/")[0] for path, _ in objects.list()})


def _list_parts(file_id: str) -> tuple[str, str]:
    return f"files/{file_id}.json", f"contents/{file_id}"
