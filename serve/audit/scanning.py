"""Reads the log by columns: one segment of each chain at a time, and of those only what a query asks for."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from eagleray.contracts.audits import AuditQuery
from eagleray.contracts.ports import Store
from eagleray.errors import IntegrityError
from serve.audit.layout import SegmentName, list_chains
from serve.audit.record import Record
from serve.audit.segments import SegmentError, list_records, open_segment

_ASKED: Final = ("time", "subject", "action", "snapshot")
"""Columns that a query may ask for; they are read first."""


def scan_records(store: Store, collection: str, query: AuditQuery) -> Iterator[Record]:
    """Yield the records a query selects, in the order of their times.

    Raises:
        IntegrityError: a segment cannot be read; verification says what else is wrong.
        StoreError: the store failed.
    """
    chains = list_chains(store, collection).values()
    yield from heapq.merge(
        *(_scan_chain(store, collection, names, query) for names in chains),
        key=lambda record: (record.time, record.writer, record.sequence),
    )


def _scan_chain(
    store: Store, collection: str, names: Sequence[SegmentName], query: AuditQuery
) -> Iterator[Record]:
    for name in names:
        path = name.locate(collection)
        try:
            with open_segment(store, path) as file:
                records = _select(file, query)
        except (SegmentError, pa.ArrowException, OSError) as error:
            raise IntegrityError(path=path, expected="a segment of records", found=str(error)) from error
        yield from records


def _select(file: pq.ParquetFile, query: AuditQuery) -> list[Record]:
    asked = file.read(columns=list(_ASKED))
    is_wanted = pc.and_(pc.greater_equal(asked["time"], query.since), pc.less(asked["time"], query.until))
    for column, value in (("subject", query.subject), ("action", query.action)):
        if value:
            is_wanted = pc.and_(is_wanted, pc.equal(asked[column], value))
    if query.snapshot:
        is_wanted = pc.and_(is_wanted, pc.starts_with(asked["snapshot"], pattern=query.snapshot))
    if not pc.any(is_wanted).as_py():
        return []
    return list_records(file.read().filter(is_wanted))
