"""A chain's end in memory: records that are linked but not yet stored. Not safe for threads by itself."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Final

from serve.audit.entries import dump
from serve.audit.record import BEGINNING, Entry, Record, RecordKind, link_record

_RECORD_BYTES: Final = 1_000
_ITEM_BYTES: Final = 300
"""What a record, and a hit or a group in it, takes in memory besides its texts, about."""


class Buffer:
    """Links entries, and holds the records until they are stored."""

    def __init__(self, writer: str) -> None:
        self._writer = writer
        self._sequence, self._hash = 0, BEGINNING
        self._pending: deque[tuple[Record, int]] = deque()
        self._n_bytes = 0
        self._n_dropped, self._dropped_from = 0, 0

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def sequence(self) -> int:
        """Of the last record."""
        return self._sequence

    @property
    def n_bytes(self) -> int:
        """Memory that the records take, about."""
        return self._n_bytes

    def add(self, entry: Entry, *, now: int) -> int:
        """Link an entry, behind a record of what was dropped before it, and return its sequence number.

        Raises:
            ValueError: a score in it is not finite.
        """
        if self._n_dropped:
            body = dump({"n": self._n_dropped, "from": self._dropped_from, "to": now})
            self._link(Entry(kind=RecordKind.GAP, body=body), now)
            self._n_dropped = 0
        self._link(entry, now)
        return self._sequence

    def drop(self, *, now: int) -> None:
        """Count an entry that there is no room for."""
        self._dropped_from = self._dropped_from if self._n_dropped else now
        self._n_dropped += 1

    def peek(self, n: int) -> list[Record]:
        """Return the first records, at most `n`; they stay until `forget`."""
        return [record for record, _ in islice(self._pending, n)]

    def forget(self, n: int) -> None:
        """Let go of the first `n` records: they are stored."""
        for _ in range(n):
            self._n_bytes -= self._pending.popleft()[1]

    def _link(self, entry: Entry, now: int) -> None:
        record = link_record(
            entry, writer=self._writer, sequence=self._sequence + 1, time=now, previous=self._hash
        )
        size = _estimate_size(entry)
        self._pending.append((record, size))
        self._n_bytes += size
        self._sequence, self._hash = record.sequence, record.hash


def _estimate_size(entry: Entry) -> int:
    n_items = len(entry.hits) + len(entry.groups) + len(entry.zones or ())
    return _RECORD_BYTES + len(entry.body) + len(entry.plan) + _ITEM_BYTES * n_items
