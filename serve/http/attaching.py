"""Puts files into a vector store and takes them out: their documents are those of the collection.

A record says that a file is being written before its documents are, and that it is written after them: what a
crash leaves between the two is found by nobody, and attaching the file again completes it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from eagleray.contracts.callers import Caller
from eagleray.contracts.documents import Document
from eagleray.contracts.principals import Principal, name_private_group
from eagleray.errors import ForbiddenError
from indexes.writing.requests import Begun, Write
from serve.engine.threads import Work, run_in_thread
from serve.http.carrying_out import carry_out
from serve.http.owned_records import open_own
from serve.http.serving import Serving
from serve.uploads.keeping import OwnRecords
from serve.uploads.reading import Owner, Refusal, read_documents
from serve.uploads.records import AttachedRecord, Attribute, FileRecord, StoreRecord

_DEFAULT_ZONE: Final = "default"
_SETTLE_S: Final = 5.0
"""Seconds an answer waits for the snapshot that holds a change to be the one that answers."""


async def attach(
    serving: Serving, caller: Caller, store_id: str, files: Mapping[str, Mapping[str, Attribute]]
) -> list[AttachedRecord]:
    """Return the records of files, once their documents can be found, or are refused.

    Args:
        serving: takes the documents.
        caller: owns the vector store and the files.
        store_id: of the vector store.
        files: file id -> attributes.

    Raises:
        NotPublishedError: the caller has no such vector store, or no such file.
        ForbiddenError: the caller may read no zone that the documents could stand in.
        QuotaError: the caller may not write so many documents now.
        EagleRayError: they could not be written; their records say so.
    """
    own, owner, now = open_own(serving, caller), _choose_owner(caller.principal), time.time_ns() // 1_000

    def read() -> list[tuple[AttachedRecord, tuple[Document, ...]]]:
        own.find(StoreRecord, store_id)
        found = [(own.find(FileRecord, file_id), attributes) for file_id, attributes in files.items()]
        return [
            _read(own, file, attributes, store_id=store_id, owner=owner, now=now)
            for file, attributes in found
        ]

    prepared = await run_in_thread(Work.UPLOADS, read)
    documents = [document for _, part in prepared for document in part]
    records = [record for record, _ in prepared]
    if documents:
        await serving.quotas.texts.take(caller.principal.subject, len(documents))
    await run_in_thread(Work.UPLOADS, _put_all, own, records)
    if documents:
        begun = Begun(name=uuid.uuid4().hex, now=now)
        try:
            await _write(serving, caller, Write(begun=begun, documents=tuple(documents)))
        except Exception as error:
            failed = [_fail(record, type(error).__name__) for record in records]
            await run_in_thread(Work.UPLOADS, _put_all, own, failed)
            raise
    written = [replace(record, is_written=not record.error_code) for record in records]
    await run_in_thread(Work.UPLOADS, _put_all, own, written)
    return written


async def detach(serving: Serving, caller: Caller, attached: Sequence[AttachedRecord]) -> None:
    """Close the documents of files in vector stores, and remove the records.

    Raises:
        EagleRayError: they could not be closed; the records are still there.
    """
    own = open_own(serving, caller)
    removed = tuple(doc_id for record in attached for doc_id in record.doc_ids)
    if removed:
        begun = Begun(name=uuid.uuid4().hex, now=time.time_ns() // 1_000)
        await _write(serving, caller, Write(begun=begun, removed=removed))
    for record in attached:
        await run_in_thread(Work.UPLOADS, own.remove, record)


def _choose_owner(principal: Principal) -> Owner:
    """Return whose the documents are: in a zone that the owner may read."""
    zones = {_DEFAULT_ZONE} if principal.zones is None else principal.zones
    if not zones:
        raise ForbiddenError(action="ingest without a zone")
    zone = _DEFAULT_ZONE if _DEFAULT_ZONE in zones else min(zones)
    return Owner(group=name_private_group(principal.subject), zone=zone)


def _read(
    own: OwnRecords,
    file: FileRecord,
    attributes: Mapping[str, Attribute],
    *,
    store_id: str,
    owner: Owner,
    now: int,
) -> tuple[AttachedRecord, tuple[Document, ...]]:
    """Return a file's record as it is before its documents are written, and these."""
    documents = read_documents(own.read_content(file), file, store_id=store_id, owner=owner, now=now)
    record = AttachedRecord(
        store_id=store_id,
        file_id=file.file_id,
        created=now,
        filename=file.filename,
        n_bytes=file.n_bytes,
        attributes=attributes,
    )
    if isinstance(documents, Refusal):
        return replace(record, error_code=documents.code, error_detail=documents.detail), ()
    return replace(record, n_documents=len(documents)), documents


def _fail(record: AttachedRecord, kind: str) -> AttachedRecord:
    if record.error_code:
        return record
    detail = f"its documents could not be written ({kind}); attach it again"
    return replace(record, error_code="server_error", error_detail=detail)


def _put_all(own: OwnRecords, records: Sequence[AttachedRecord]) -> None:
    for record in records:
        own.put(record)


async def _write(serving: Serving, caller: Caller, write: Write) -> None:
    """Carry a write out, and wait until searches are answered from it."""
    _, writer = serving.require_uploads()
    snapshot = await carry_out(writer, caller.principal, write)
    await serving.collection.follower.settle(snapshot, timeout_s=_SETTLE_S)
