"""Reads the log by columns: one segment of each chain at a time, and of those only what a query asks for."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from eagleray.contracts.audits import AuditQuery
from eagleray.contracts.ports import Store
from eagleray.errors import IntegrityError
from serve.audit.interruptions import Interruptions
from serve.audit.layout import SegmentName, list_chains
from serve.audit.record import Entry, Record, RecordKind
from serve.audit.segments import SegmentError, list_records, open_segment

_ASKED: Final = ("time", "subject", "action", "snapshot", "request_id")
"""Columns that a query may ask for; they are read first."""

_ENDING: Final = ("sequence", "kind", "action", "subject", "request_id", "status", "body")
"""Columns that say which requests have ended."""

Found = TypeVar("Found")


def scan_records(store: Store, collection: str, query: AuditQuery) -> Iterator[Record]:
    """Yield the records a query selects, in the order of their times.

    The latest are read from the ends of the chains: what is older is not opened.

    Raises:
        IntegrityError: a segment cannot be read; verification says what else is wrong.
        StoreError: the store failed.
    """
    limit, is_latest = query.limit or None, query.is_latest
    chains = list_chains(store, collection).values()
    found = heapq.merge(
        *(_scan_chain(store, collection, names, query) for names in chains),
        key=lambda record: (record.time, record.writer, record.sequence),
        reverse=is_latest,
    )
    yield from reversed(list(islice(found, limit))) if is_latest else islice(found, limit)


def list_interrupted(store: Store, collection: str, writer: str) -> frozenset[int]:
    """Return the numbers of a chain's records that begin a request and have no end.

    Raises:
        IntegrityError: a segment cannot be read.
        StoreError: the store failed.
    """
    endings = Interruptions(writer)
    for name in list_chains(store, collection).get(writer, ()):
        path = name.locate(collection)
        try:
            for row in _read_segment(store, path, _list_ending):
                sequence = row.pop("sequence")
                endings.follow(sequence, Entry(**{**row, "kind": RecordKind(row["kind"])}))
        except (ValueError, RecursionError) as error:
            raise IntegrityError(path=path, expected="a segment of records", found=str(error)) from error
    return frozenset(item.sequence for item in endings.interrupted)


def _list_ending(file: pq.ParquetFile) -> list[dict[str, Any]]:
    """Return what says of requests that they begin or end others."""
    rows: list[dict[str, Any]] = file.read(columns=list(_ENDING), use_threads=False).to_pylist()
    return rows


def _scan_chain(
    store: Store, collection: str, names: Sequence[SegmentName], query: AuditQuery
) -> Iterator[Record]:
    """Yield the records of a chain that a query selects, in their order, or backwards for the latest."""
    for name in reversed(names) if query.is_latest else names:
        found = _read_segment(store, name.locate(collection), lambda file: _select(file, query))
        yield from reversed(found) if query.is_latest else found


def _read_segment(store: Store, path: str, read: Callable[[pq.ParquetFile], Found]) -> Found:
    try:
        with open_segment(store, path) as file:
            return read(file)
    except (SegmentError, pa.ArrowException, OSError) as error:
        raise IntegrityError(path=path, expected="a segment of records", found=str(error)) from error


def _select(file: pq.ParquetFile, query: AuditQuery) -> list[Record]:
    asked = file.read(columns=list(_ASKED), use_threads=False)
    is_wanted = pc.and_(pc.greater_equal(asked["time"], query.since), pc.less(asked["time"], query.until))
    for column in ("subject", "action", "request_id"):
        if value := getattr(query, column):
            is_wanted = pc.and_(is_wanted, pc.equal(asked[column], value))
    if query.snapshot:
        is_wanted = pc.and_(is_wanted, pc.starts_with(asked["snapshot"], pattern=query.snapshot))
    if not pc.any(is_wanted).as_py():
        return []
    return list_records(file.read(use_threads=False).filter(is_wanted))
