"""Files of questions: Parquet in a folder, below an object-store prefix, or one file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import pyarrow as pa

from eagleray.contracts.ports import Store, StoredObject
from eagleray.contracts.search_options import OLD_NAMES, explain_old_name
from eagleray.documents.parsing.tables import TableError, TableFile, TableReader, TableRows
from eagleray.errors import SourceError
from eagleray.logs import get_logger
from indexes.storage.local import LocalStore
from ray_jobs.plans.questions import QuestionFile, QuestionPiece

_log = get_logger()

COLUMNS: Final = ("id", "query", "as_of", "filter", "groups", "zones")
"""Columns that questions may have; only `query` must be there."""

_OLD_COLUMNS: Final = {"where": OLD_NAMES["where"]}

OpenStore = Callable[[str], Store]
"""From the URL of a store to the store."""

_SUFFIX: Final = ".parquet"
_BLOCK_BYTES: Final = 8 << 20
_BATCH_ROWS: Final = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionSource:
    """Where questions lie.

    Attributes:
        files: in the order of their names.
        is_folder: whether every Parquet file below the store's root is one of them.
    """

    store: Store
    files: tuple[StoredObject, ...]
    is_folder: bool


def open_questions(url: str, *, open_store: OpenStore) -> QuestionSource:
    """Return the store that questions lie in, and their files.

    Args:
        url: a Parquet file, a folder, or `s3://` and either.
        open_store: opens what a folder, a prefix or a bucket names.

    Raises:
        SourceError: there is no Parquet file.
    """
    if "://" not in url:
        return _open_local(url)
    store = open_store(url)
    files = _list_parquet(store)
    if files:
        return QuestionSource(store=store, files=files, is_folder=True)
    parent, _, name = url.rstrip("/").rpartition("/")
    if name.endswith(_SUFFIX):
        store = open_store(parent)
        files = tuple(item for item in _list_parquet(store) if item.path == name)
    if not files:
        raise _refuse(url)
    return QuestionSource(store=store, files=files, is_folder=False)


def _open_local(url: str) -> QuestionSource:
    path = Path(url).expanduser()
    if path.is_dir():
        store = LocalStore(path)
        files = _list_parquet(store)
        if not files:
            raise _refuse(url)
        return QuestionSource(store=store, files=files, is_folder=True)
    if path.suffix != _SUFFIX or not path.is_file():
        raise _refuse(url)
    facts = path.stat()
    item = StoredObject(
        path=path.name,
        size_bytes=facts.st_size,
        modified=facts.st_mtime_ns // 1000,
        tag=f"{facts.st_mtime_ns:x}",
    )
    return QuestionSource(store=LocalStore(path.parent), files=(item,), is_folder=False)


def _refuse(url: str) -> SourceError:
    detail = f"expected a Parquet file, or a folder that holds some; their names end in {_SUFFIX}"
    return SourceError(source=url, detail=detail)


def describe_questions(
    store: Store, item: StoredObject, tables: TableReader
) -> tuple[QuestionFile, pa.Schema]:
    """Return what a plan needs to know of a file, and the file's columns.

    Raises:
        SourceError: it is no Parquet file, or its columns are not those of questions.
    """
    source = f"{store.url}/{item.path}"
    try:
        schema, group_rows = tables.describe(_locate(store, item.path, item.size_bytes))
    except TableError as error:
        raise SourceError(source=source, detail=f"it is no readable Parquet file: {error}") from error
    _check_columns(schema, source)
    file = QuestionFile(
        path=item.path, size_bytes=item.size_bytes, sha256=digest_object(store, item), group_rows=group_rows
    )
    return file, schema


def digest_object(store: Store, item: StoredObject) -> str:
    """Return the SHA-256 of an object's bytes, read in blocks."""
    digest = hashlib.sha256()
    for start in range(0, item.size_bytes, _BLOCK_BYTES):
        digest.update(store.read_range(item.path, start, min(start + _BLOCK_BYTES, item.size_bytes)))
    return digest.hexdigest()


def read_piece(store: Store, piece: QuestionPiece, tables: TableReader) -> pa.Table:
    """Return the rows of a piece; what is decoded at once is a few thousand rows of its group.

    Raises:
        TableError: they cannot be read, or take more than a file may.
    """
    file = _locate(store, piece.path, piece.size_bytes)
    schema, _ = tables.describe(file)
    kept = tuple(sorted(schema.names, key=lambda column: COLUMNS.index(_find_name(column))))
    rows = TableRows(
        group=piece.group, start=piece.start, end=piece.end, columns=kept, batch_rows=_BATCH_ROWS
    )
    expected = pa.schema([schema.field(name) for name in kept])
    table = pa.Table.from_batches(list(tables.read(file, rows, schema)), schema=expected)
    return table.rename_columns([_find_name(name) for name in kept])


def _locate(store: Store, path: str, size_bytes: int) -> TableFile:
    return TableFile(path=path, size=size_bytes, read_range=partial(store.read_range, path))


def _list_parquet(store: Store) -> tuple[StoredObject, ...]:
    hidden = (".", "_")  # what Spark and others leave beside their files
    return tuple(
        item
        for item in store.list("")
        if item.path.endswith(_SUFFIX) and not any(part.startswith(hidden) for part in item.path.split("/"))
    )


def _find_name(column: str) -> str:
    """Return the name of a column, which a file may have by its former one."""
    return _OLD_COLUMNS.get(column, column)


def _check_columns(schema: pa.Schema, source: str) -> None:
    for old in _OLD_COLUMNS.keys() & set(schema.names):
        _log.warning("old_name_used", source=source, detail=explain_old_name(old))
    names = [_find_name(name) for name in schema.names]
    unknown = [name for name in names if name not in COLUMNS]
    if unknown or "query" not in names or len(set(names)) < len(names):
        detail = f"questions have the columns {', '.join(COLUMNS)}, of which only query must be there"
        raise SourceError(source=source, detail=f"{detail}; found {', '.join(schema.names)}")
    for column, name in zip(schema.names, names, strict=True):
        kind = schema.field(column).type
        if not _FITS[name](kind):
            raise SourceError(source=source, detail=f"column {name} must be {_KINDS[name]}, found {kind}")


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_names(kind: pa.DataType) -> bool:
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return bool(pa.types.is_null(kind) or (is_list and _is_text(kind.value_type)))


def _is_time(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_null(kind) or _is_text(kind)
    )


_FITS: Final = {
    "id": lambda kind: pa.types.is_integer(kind) or _is_text(kind),
    "query": _is_text,
    "as_of": _is_time,
    "filter": lambda kind: pa.types.is_null(kind) or _is_text(kind),
    "groups": _is_names,
    "zones": _is_names,
}
_KINDS: Final = {
    "id": "text or a whole number",
    "query": "text",
    "as_of": "a timestamp, a date or ISO 8601 text",
    "filter": "text",
    "groups": "a list of text",
    "zones": "a list of text",
}
