"""Heads of other chains: each writer names in its own chain how far others had come.

What a chain once named of another cannot be taken away from that other without both being rewritten.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from eagleray.contracts.ports import Store
from eagleray.errors import ObjectNotFoundError
from serve.audit.entries import dump
from serve.audit.layout import HEADS, Head, decode_head, dump_head, encode_head, load_head, locate_head
from serve.audit.record import Entry, RecordKind

_MAX_HEADS: Final = 256
"""Heads that one record names at most: those that moved last."""


class Anchors:
    """What one writer knows of the others."""

    def __init__(self, store: Store, collection: str, writer: str) -> None:
        self._store, self._collection, self._writer = store, collection, writer
        self._looked_at = 0
        self._named: set[Head] = set()

    def tell(self, head: Head) -> None:
        """Let other writers know this one's head."""
        self._store.write(locate_head(self._collection, self._writer), encode_head(head))

    def look(self) -> tuple[Head, ...]:
        """Return the heads of other chains that moved since the last look, sorted."""
        listed = list(self._store.list(f"{self._collection}/{HEADS}"))
        own = locate_head(self._collection, self._writer)
        moved = [item for item in listed if item.modified >= self._looked_at and item.path != own]
        moved = sorted(moved, key=lambda item: item.modified)[-_MAX_HEADS:]
        self._looked_at = max([self._looked_at, *(item.modified for item in listed)])
        found = {head for item in moved if (head := self._read(item.path)) is not None}
        fresh = tuple(sorted(found - self._named))
        self._named = found
        return fresh

    def _read(self, path: str) -> Head | None:
        """Return a head; `None` where there is none, which is for verification to tell."""
        try:
            return decode_head(self._store.read(path))
        except (ValueError, ObjectNotFoundError):
            return None


def make_heads_entry(heads: Iterable[Head]) -> Entry:
    """Return the entry that names other chains' heads."""
    return Entry(kind=RecordKind.HEADS, body=dump({"heads": [dump_head(head) for head in heads]}))


def make_genesis_entry(collection: str, heads: Iterable[Head], facts: dict[str, str]) -> Entry:
    """Return the entry that begins a chain.

    Args:
        collection: whose log it is.
        heads: of other chains.
        facts: what the process is: its version, model and so on.
    """
    named = [dump_head(head) for head in heads]
    return Entry(
        kind=RecordKind.GENESIS, body=dump({"collection": collection, "heads": named, "facts": facts})
    )


def list_named_heads(entry: Entry) -> list[Head]:
    """Return the heads that an entry names.

    Raises:
        ValueError: its body is none that this kind has.
    """
    if entry.kind not in (RecordKind.GENESIS, RecordKind.HEADS):
        return []
    body = json.loads(entry.body)
    if not isinstance(body, dict) or not isinstance(body.get("heads"), list):
        raise ValueError("expected a list of heads")
    return [load_head(value) for value in body["heads"]]
