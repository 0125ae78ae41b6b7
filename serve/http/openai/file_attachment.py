"""Puts files into a vector store and takes them out: their documents are those of the collection.

Every step leaves a mark in the store before the next begins (`serve.uploads.attachments`). A delete
removes what says that a file or vector store exists, and then closes what is left of it; whoever attaches
looks again after the write, and closes its own documents where they are no longer wanted. What both leave
when they end in the middle is found by nobody, and closed by the next sweep (`sweeping`).
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from eagleray.chunking.config import ChunkLengths
from eagleray.contracts.callers import Action, Caller
from eagleray.contracts.documents import Document
from eagleray.contracts.principals import Principal, name_private_group
from eagleray.documents.parsing.pool import ParserPool
from eagleray.errors import EagleRayError, ForbiddenError, NotPublishedError, ObjectNotFoundError
from eagleray.logs import get_logger
from indexes.writing.requests import Begun, Write
from serve.http.audited_write import write_audited
from serve.http.openai.owned_records import UploadSite, open_own, run_own
from serve.uploads.attachments import LEFT, Remains, choose_shown, list_remains
from serve.uploads.keeping import OwnRecords
from serve.uploads.reading import Owner, Refusal, read_documents
from serve.uploads.records import Attached, Attribute, make_attempt, read_clock

_DEFAULT_ZONE: Final = "default"
SETTLE_S: Final = 5.0
"""Seconds an answer to a change waits for the snapshot that holds it to be the one that answers."""

LOOK_S: Final = 0.5
"""Seconds an answer that shows how far files are waits for such a snapshot."""

_HELD_CHARACTERS: Final = 16 << 20
"""Of documents that are written together; those of further files are read once these are written."""

_UNWANTED: Final = ("server_error", "it was deleted, detached or cancelled while it was read")

_log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedFile:
    """A file that is to be attached.

    Attributes:
        attributes: values by name.
        lengths: how its texts are cut; `None` as the collection's are.
    """

    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    lengths: ChunkLengths | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attaching:
    """Files on their way into a vector store.

    Attributes:
        caller: who owns it.
        own: their records.
        store_id: of the vector store.
        begun: the attempts.
        lengths: file id -> how its texts are cut, where it is not as the collection says.
    """

    caller: Caller
    own: OwnRecords
    store_id: str
    begun: tuple[Attached, ...]
    lengths: Mapping[str, ChunkLengths]


async def begin(
    site: UploadSite, caller: Caller, store_id: str, files: Mapping[str, WantedFile], *, batch_id: str = ""
) -> Attaching:
    """Return attempts that are noted as begun.

    Args:
        site: takes the documents.
        caller: owns the vector store and the files.
        store_id: of the vector store.
        files: file id -> how it is attached.
        batch_id: of the batch they come in.

    Raises:
        NotPublishedError: the caller has no such vector store, or no such file.
        ForbiddenError: the caller may read no zone that the documents could stand in.
    """
    own, uploads = open_own(site, caller), site.require_uploads()[0]
    _choose_owner(caller.principal)
    begun = await run_own(_begin_all, own, store_id, files, uploads.lengths, batch_id)
    given = {file_id: wanted.lengths for file_id, wanted in files.items() if wanted.lengths}
    return Attaching(caller=caller, own=own, store_id=store_id, begun=begun, lengths=given)


def _begin_all(
    own: OwnRecords, store_id: str, files: Mapping[str, WantedFile], usual: ChunkLengths, batch_id: str
) -> tuple[Attached, ...]:
    store = own.find_store(store_id, is_expired=False)
    found = [own.find_file(file_id) for file_id in files]
    own.touch_store(store)
    now, begun = read_clock(), []
    for file in found:
        wanted = files[file.file_id]
        lengths = wanted.lengths or usual
        attached = Attached(
            store_id=store_id,
            file_id=file.file_id,
            attempt=make_attempt(now),
            created=now,
            filename=file.filename,
            n_bytes=file.n_bytes,
            max_tokens=lengths.max_tokens,
            overlap_tokens=lengths.overlap_tokens,
            attributes=wanted.attributes,
            batch_id=batch_id,
            expires=file.expires,
        )
        own.attachments.begin(attached)
        begun.append(attached)
    return tuple(begun)


async def finish(site: UploadSite, attaching: Attaching) -> list[Attached]:
    """Return the attempts that are still wanted, once their documents are written or refused.

    Raises:
        QuotaError: the caller may not write so many documents now.
        EagleRayError: they could not be written; their records say so.
    """
    own, principal = attaching.own, attaching.caller.principal
    files = {item.file_id for item in attaching.begun}
    left = list(attaching.begun)
    try:
        while left:
            n_done = await _write_first(site, attaching, left)
            del left[:n_done]
    except Exception as error:
        await _abandon(own, left, error)
        raise
    await clear(site, principal, own, attaching.store_id, files=files)
    return await run_own(list_wanted, attaching)


async def _write_first(site: UploadSite, attaching: Attaching, left: Sequence[Attached]) -> int:
    """Write the documents of the first of some attempts, as many as are held at once; return how many."""
    own, principal = attaching.own, attaching.caller.principal
    uploads, writer = site.require_uploads()
    reader = uploads.reader
    reads = [partial(_read_one, attaching, item, parsers=reader.parsers) for item in left]
    found = await reader.run_each(principal.subject, reads, is_enough=_is_enough)
    read = [(item, documents) for item, documents in zip(left, found, strict=False) if documents]
    if read:
        n_documents = sum(len(documents) for _, documents in read)
        await site.parts.quotas.texts.take(principal.subject, n_documents)
    planned = await run_own(_plan, own, read)
    if planned:
        snapshot = await write_audited(site.collection, writer, principal, _make_write(attaching, planned))
        for item, _ in planned:
            await run_own(own.attachments.finish, item, snapshot)
    return len(found)


def _is_enough(found: Sequence[tuple[Document, ...]]) -> bool:
    return sum(len(document.text) for documents in found for document in documents) >= _HELD_CHARACTERS


async def _abandon(own: OwnRecords, left: Sequence[Attached], error: Exception) -> None:
    """Say of attempts that an error ended them; where that cannot be said, they count as left by a crash."""
    kind = type(error).__name__
    detail = f"its documents could not be written ({kind}); attach it again"

    def say() -> None:
        for item in left:
            own.attachments.fail(item, "server_error", detail)

    try:
        await run_own(say)
    except EagleRayError as failed:
        _log.warning("attempt_not_ended", error=type(failed).__name__, after=kind)


async def clear(
    site: UploadSite,
    principal: Principal,
    own: OwnRecords,
    store_id: str = "",
    *,
    files: Collection[str] | None = None,
) -> int:
    """Close the documents of attempts that are not to be found, and remove what is kept of these.

    Args:
        site: takes the documents.
        principal: for whom, as the audit log will say.
        own: the records.
        store_id: of the vector store; all by default.
        files: ids of the files; all by default.

    Returns:
        How many attempts there were.

    Raises:
        EagleRayError: they could not be closed; their records are still there.
    """
    now = read_clock()
    remains = await run_own(_find_remains, own, store_id, files, now)
    removed = tuple(doc_id for item in remains.to_close for doc_id in item.doc_ids)
    if removed:
        _, writer = site.require_uploads()
        begun = Begun(name=uuid.uuid4().hex, now=read_clock())
        snapshot = await write_audited(
            site.collection, writer, principal, Write(begun=begun, removed=removed)
        )
        await site.collection.watcher.settle(snapshot, timeout_s=SETTLE_S)
    await run_own(_end, own, remains, now)
    return len({item.attempt for item in (*remains.to_close, *remains.to_erase)})


def _find_remains(own: OwnRecords, store_id: str, files: Collection[str] | None, now: int) -> Remains:
    attempts = own.attachments.list_attempts(store_id, files=files)
    return list_remains(
        attempts,
        stores={name for name in {item.store_id for item in attempts} if own.has_store(name)},
        files={name for name in {item.file_id for item in attempts} if own.has_file(name)},
        now=now,
    )


def _end(own: OwnRecords, remains: Remains, now: int) -> None:
    """Keep or remove the records of attempts whose documents are closed."""
    erased = {item.attempt for item in remains.to_erase}
    for item in remains.to_close:
        if item.attempt not in erased and item.is_over(now):
            own.attachments.close(item)
    for item in remains.to_fail:
        own.attachments.fail(item, "server_error", LEFT)
    own.attachments.erase(remains.to_erase)


async def find_landed(
    site: UploadSite, attached: Collection[Attached], *, timeout_s: float = LOOK_S
) -> frozenset[str]:
    """Return those of the snapshots that files wait for which searches are answered from."""
    uploads, _ = site.require_uploads()
    snapshots = {item.snapshot for item in attached if item.snapshot}
    return await uploads.landed.find(site.collection.watcher, snapshots, timeout_s=timeout_s)


def _choose_owner(principal: Principal) -> Owner:
    """Return whose the documents are: in a zone that the owner may read."""
    zones = {_DEFAULT_ZONE} if principal.zones is None else principal.zones
    if not zones:
        raise ForbiddenError(action=str(Action.INGEST), needs="access to any zone")
    zone = _DEFAULT_ZONE if _DEFAULT_ZONE in zones else min(zones)
    return Owner(group=name_private_group(principal.subject), zone=zone)


_Read = tuple[Attached, tuple[Document, ...]]


def _read_one(attaching: Attaching, item: Attached, *, parsers: ParserPool) -> tuple[Document, ...]:
    """Return the documents of an attempt; where there are none, its record says why."""
    own, owner = attaching.own, _choose_owner(attaching.caller.principal)
    if not _is_wanted(own, item):
        own.attachments.fail(item, *_UNWANTED)
        return ()
    try:
        file = own.find_file(item.file_id)
        data = own.read_content(file)
    except (NotPublishedError, ObjectNotFoundError):
        own.attachments.fail(item, *_UNWANTED)
        return ()
    found = read_documents(parsers, data, file=file, source=item.source, owner=owner, now=item.created)
    if isinstance(found, Refusal):
        own.attachments.fail(item, found.code, found.detail)
        return ()
    return found


def _plan(own: OwnRecords, read: Sequence[_Read]) -> list[_Read]:
    """Return the attempts that are still wanted, noted as about to be written."""
    planned = []
    for item, documents in read:
        if _is_wanted(own, item):
            planned.append((own.attachments.plan(item, len(documents)), documents))
        else:
            own.attachments.fail(item, *_UNWANTED)
    return planned


def _make_write(attaching: Attaching, planned: Sequence[_Read]) -> Write:
    lengths = {
        document.doc_id: attaching.lengths[item.file_id]
        for item, documents in planned
        if item.file_id in attaching.lengths
        for document in documents
    }
    return Write(
        begun=Begun(name=uuid.uuid4().hex, now=attaching.begun[0].created),
        documents=tuple(document for _, documents in planned for document in documents),
        lengths=lengths,
    )


def _is_wanted(own: OwnRecords, attached: Attached) -> bool:
    """Return whether nobody deleted, detached or cancelled what an attempt needs."""
    is_wanted = own.attachments.is_wanted(attached)
    return is_wanted and own.has_store(attached.store_id) and own.has_file(attached.file_id)


def list_wanted(attaching: Attaching) -> list[Attached]:
    """Return what is attached of the files: the attempts, or those that took their place meanwhile."""
    own, store_id = attaching.own, attaching.store_id
    if not own.has_store(store_id):
        return []
    there = {item.file_id for item in attaching.begun if own.has_file(item.file_id)}
    attempts = own.attachments.list_attempts(store_id, files=there)
    held = {item.attempt for item in attempts if item.is_kept(read_clock())}
    asked = {item.attempt for item in attaching.begun} & held
    placed = {item.file_id for item in attaching.begun if item.attempt in asked}
    others = [item for item in choose_shown(attempts) if item.file_id not in placed]
    return [*(item for item in attempts if item.attempt in asked), *others]
