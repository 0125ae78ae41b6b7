"""What one request writes, and how it is known again when it is sent twice.

A request with a key begins with a record of its digest and of where the alias stood. Each move of the alias
names the requests that it carries out, so that whether one is done can be told from the log of moves alone,
however the process that wrote it ended. A request's name is made of its key and of what it asks for: where a
refused one gives its key free, what another asks for under the same key is never taken for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from eagleray.chunking.config import ChunkLengths
from eagleray.contracts.collections import Collection
from eagleray.contracts.documents import Document
from eagleray.contracts.manifests import AliasEntry
from eagleray.contracts.ports import Store
from eagleray.digests import canonical_json, digest_json
from eagleray.errors import IntegrityError, ObjectNotFoundError, ReusedKeyError
from indexes.snapshots.aliases import list_moves, read_alias

WRITE: Final = "write"
"""First word of the reason of a move that carries out requests; their names follow."""

_FOLDER: Final = "writes"
_NAME_LENGTH: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A request that may have been carried out before.

    Attributes:
        name: of the request; the same for the same key of the same subject and the same content.
        now: microseconds, when it was first begun.
        since: number of the alias's move at that time; 0 for none.
        key: name of the record that holds its key; empty where it has none, and leaves no records.
    """

    name: str
    now: int
    since: int = 0
    key: str = ""

    @property
    def has_key(self) -> bool:
        """Whether it may come again under its name."""
        return bool(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """What one request changes.

    Attributes:
        begun: its name and time.
        documents: versions to add; each doc_id once.
        removed: doc_ids of documents to close; none of them among `documents`.
        lengths: doc_id -> how long its chunks are; those that are not named are cut as the collection says.
    """

    begun: Begun
    documents: tuple[Document, ...] = ()
    removed: tuple[str, ...] = ()
    lengths: Mapping[str, ChunkLengths] = field(default_factory=dict)

    @property
    def doc_ids(self) -> frozenset[str]:
        """Of all documents it touches."""
        return frozenset(document.doc_id for document in self.documents) | frozenset(self.removed)


def name_key(subject: str, key: str) -> str:
    """Return the name of the record that holds a key of a subject."""
    return digest_json([subject, key])[:_NAME_LENGTH]


def name_request(key: str, digest: str) -> str:
    """Return the name of the request with a key, by the digest of all that it asks for."""
    return digest_json([key, digest])[:_NAME_LENGTH]


def begin_write(collection: Collection, *, alias: str, key: str, digest: str, now: int) -> Begun:
    """Record that a request begins, or return how it began before.

    Args:
        collection: where it lies.
        alias: that will move.
        key: name of the record that holds its key.
        digest: of all that it asks for.
        now: microseconds.

    Raises:
        ReusedKeyError: a request with that key asked for something else, and was not refused.
        IntegrityError: the record is damaged.
    """
    entry = read_alias(collection, alias)
    since = entry.sequence if entry else 0
    path, name = _locate_begun(collection.name, key), name_request(key, digest)
    if collection.store.create(path, canonical_json({"digest": digest, "now": now, "since": since})):
        return Begun(name=name, now=now, since=since, key=key)
    fields = _read(collection.store, path, names=("digest", "now", "since"))
    if fields["digest"] != digest:
        raise ReusedKeyError(detail="this idempotency key was used for a request with another body")
    return Begun(name=name, now=int(fields["now"]), since=int(fields["since"]), key=key)


def free_key(collection: Collection, *, alias: str, begun: Begun) -> None:
    """Give the key of a refused request free, unless the same request was carried out meanwhile."""
    current = read_alias(collection, alias)
    if current and find_done(collection, alias=alias, current=current, begun=[begun]):
        return
    path = _locate_begun(collection.name, begun.key)
    try:
        fields = _read(collection.store, path, names=("digest",))
    except ObjectNotFoundError:
        return  # given free by the same request, sent twice
    if name_request(begun.key, str(fields["digest"])) == begun.name:
        collection.store.delete(path)


def find_done(
    collection: Collection, *, alias: str, current: AliasEntry, begun: Sequence[Begun]
) -> dict[str, str]:
    """Return the requests that are carried out: name -> snapshot that was the first to hold them.

    Raises:
        IntegrityError: a record or a move is damaged.
    """
    done: dict[str, str] = {}
    for item in begun:
        try:
            record = _read(collection.store, _locate_done(collection.name, item.name), names=("snapshot",))
        except ObjectNotFoundError:
            continue
        done[item.name] = str(record["snapshot"])
    open_ones = {item.name for item in begun} - done.keys()
    after = min((item.since for item in begun if item.name in open_ones), default=current.sequence)
    for move in list_moves(collection, alias, after=after, until=current.sequence):
        first, *names = move.reason.split(" ")
        if first == WRITE:
            done |= {name: move.snapshot for name in names if name in open_ones and name not in done}
    return done


def finish_write(collection: Collection, *, name: str, snapshot: str) -> None:
    """Record that a request is carried out, so that the log of moves need not be searched for it."""
    collection.store.create(_locate_done(collection.name, name), canonical_json({"snapshot": snapshot}))


def _locate_begun(collection: str, key: str) -> str:
    return f"{collection}/{_FOLDER}/{key}/begun.json"


def _locate_done(collection: str, name: str) -> str:
    return f"{collection}/{_FOLDER}/{name}/done.json"


def _read(store: Store, path: str, *, names: Sequence[str]) -> dict[str, str | int]:
    data = store.read(path)
    try:
        fields = json.loads(data)
        return {name: fields[name] for name in names}
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(path=path, expected="a record of a write", found="other bytes") from error
