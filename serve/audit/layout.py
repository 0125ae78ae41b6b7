"""Where the objects of the audit log lie, how they are named, and its heads as a file to be kept elsewhere.

    <collection>/audit/segments/<writer>/<first>-<last>-<hash>.parquet    records, written once
    <collection>/audit/heads/<writer>.json                                a head of the chain, for others

`first` and `last` are sequence numbers of 12 digits, `hash` is that of the last record: a listing alone says
how far every chain goes. What lies in the log when heads are taken from it cannot be rewritten unseen
after that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eagleray.contracts.ports import Store
from eagleray.contracts.times import format_micros
from eagleray.digests import canonical_json, digest_json
from eagleray.errors import InputError, NotPublishedError

AUDIT: Final = "audit"
SEGMENTS: Final = f"{AUDIT}/segments"
HEADS: Final = f"{AUDIT}/heads"

_WRITER: Final = re.compile(r"[A-Za-z0-9-]{1,128}")
_SEGMENT: Final = re.compile(r"(\d{12})-(\d{12})-([0-9a-f]{64})\.parquet")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Head:
    """How far a chain went at some time: the last record then."""

    writer: str
    sequence: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SegmentName:
    """A segment, as its name tells it."""

    writer: str
    first: int
    last: int
    hash: str

    @property
    def head(self) -> Head:
        """The chain's head when this was its last segment."""
        return Head(writer=self.writer, sequence=self.last, hash=self.hash)

    def locate(self, collection: str) -> str:
        """Return the name of the object."""
        return f"{collection}/{SEGMENTS}/{self.writer}/{self.first:012d}-{self.last:012d}-{self.hash}.parquet"


def list_segments(store: Store, collection: str) -> Iterator[SegmentName | str]:
    """Yield the segments, chain by chain in their order; of an object that has no place there, its path."""
    folder = f"{collection}/{SEGMENTS}"
    for item in store.list(folder):
        writer, _, name = item.path.removeprefix(f"{folder}/").partition("/")
        match = _SEGMENT.fullmatch(name)
        if match is None or _WRITER.fullmatch(writer) is None:
            yield item.path
        else:
            yield SegmentName(writer=writer, first=int(match[1]), last=int(match[2]), hash=match[3])


def require_log(store: Store, collection: str) -> None:
    """Check that a collection has an audit log, so that a wrong name is not taken for a log without faults.

    Raises:
        NotPublishedError: it has none.
    """
    if _has_log(store, collection):
        return
    detail = f"there is no audit log of it in {store.url}"
    if store.url.startswith("file:"):  # a remote one may not let itself be listed
        others = [name for name in store.list_folders() if _has_log(store, name)]
        detail += f"; it has those of {', '.join(others[:10])}" if others else ", nor of any other collection"
    detail += "; EAGLERAY_COLLECTION and EAGLERAY_AUDIT__STORE say which log is read"
    raise NotPublishedError(name=collection, detail=detail)


def _has_log(store: Store, collection: str) -> bool:
    return any(True for _ in store.list(f"{collection}/{AUDIT}"))


def list_chains(store: Store, collection: str) -> dict[str, list[SegmentName]]:
    """Return each writer's segments, first to last."""
    chains: dict[str, list[SegmentName]] = {}
    for name in list_segments(store, collection):
        if isinstance(name, SegmentName):
            chains.setdefault(name.writer, []).append(name)
    return chains


def locate_head(collection: str, writer: str) -> str:
    """Return the name of the object that tells a writer's head."""
    return f"{collection}/{HEADS}/{writer}.json"


def encode_head(head: Head) -> bytes:
    """Return the bytes of a head's object."""
    return canonical_json(dump_head(head))


def decode_head(data: bytes) -> Head:
    """Return the head of an object's bytes.

    Raises:
        ValueError: they are no head.
    """
    return load_head(json.loads(data))


def dump_head(head: Head) -> list[str | int]:
    """Return a head as a JSON value."""
    return [head.writer, head.sequence, head.hash]


def load_head(value: object) -> Head:
    """Return the head of a JSON value.

    Raises:
        ValueError: it is none.
    """
    match value:
        case [str(writer), int(sequence), str(digest)]:
            return Head(writer=writer, sequence=sequence, hash=digest)
        case _:
            raise ValueError("expected a list of a writer, a number and a hash")


def export_heads(collection: str, heads: Sequence[Head], *, now: int) -> dict[str, Any]:
    """Return the JSON value of a collection's heads, with a digest over all of it.

    Args:
        collection: whose log it is.
        heads: of every chain.
        now: microseconds.
    """
    content = {
        "collection": collection,
        "taken_at": format_micros(now),
        "heads": [dump_head(head) for head in heads],
    }
    return {**content, "digest": digest_json(content)}


def read_export(text: str, *, collection: str) -> list[Head]:
    """Return the heads of an export.

    Raises:
        InputError: it is none, was changed, or is of another collection.
    """
    try:
        content = json.loads(text)
        digest = content.pop("digest")
        heads = [load_head(value) for value in content["heads"]]
        found = content["collection"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(detail=f"expected what `eagleray audit head` writes: {error}") from error
    if digest != digest_json(content):
        raise InputError(detail="the heads given were changed: they do not have their digest")
    if found != collection:
        raise InputError(detail=f"the heads given are of collection {found!r}, not {collection!r}")
    return heads
