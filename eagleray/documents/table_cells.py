"""Cells of typed tables as plain values, each exact: what Parquet files and databases hold beyond JSON.

A decimal stays a `Decimal`, a time a `datetime`; a map becomes an object. A time that no `datetime` can hold
is text: `infinity` and `-infinity` where it is what databases write for no end and no begin, otherwise the
date with its long year. Bytes are known as such, without what they hold; text that is no UTF-8 keeps its
bytes as half characters, which no rule takes. What they become lives in `eagleray.documents.mapping_values`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eagleray.contracts.times import MAX_INSTANT, MIN_INSTANT, from_micros

BYTES: Final = b""
"""Stands for bytes, whatever they are: they are no text, and no rule reads them."""

_PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_DAY_MICROS: Final = 86_400_000_000
_INFINITE_MICROS: Final = 200_000 * 365 * _DAY_MICROS
"""No finite time of a database is as far from 1970; their infinities are (int64 microseconds, int32 days)."""
_GREATEST: Final = 2**63 - 1
"""Nanoseconds of a time without end: with so few years in 64 bits, only the greatest number says so."""


def list_rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table as plain values; NaN, which tools write for an absent number, is null."""
    columns = [list_cells(table.column(index)) for index in range(table.num_columns)]
    if not columns:
        yield from ({} for _ in range(table.num_rows))
        return
    for cells in zip(*columns, strict=True):
        yield dict(zip(table.column_names, cells, strict=True))


def find_repeated_name(fields: pa.Schema | pa.StructType) -> str:
    """Return the first name that two columns, or two fields of one object, have, or `""`."""
    seen: set[str] = set()
    for field in fields:
        if field.name in seen:
            return str(field.name)
        seen.add(field.name)
        repeated = find_repeated_name(field.type) if pa.types.is_struct(field.type) else ""
        if repeated:
            return f"{field.name}.{repeated}"
    return ""


def list_cells(column: pa.ChunkedArray) -> list[Any]:
    """Return the values of a column; one that Python cannot hold disturbs no other cell."""
    if any(_holds_endless(chunk) for chunk in column.chunks):
        return [_read_cell(scalar) for scalar in column]
    column = _use_microseconds(column)
    try:
        return [_make_plain(value) for value in column.to_pylist()]
    except (OverflowError, ValueError, pa.ArrowException):
        return [_read_cell(scalar) for scalar in column]


def _holds_endless(values: pa.Array) -> bool:
    """Return whether nanoseconds, also within lists and objects, are the greatest or least of their type."""
    kind = values.type
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        extremes = pc.min_max(values.cast(pa.int64()))
        return any(extremes[name].is_valid and _is_endless(extremes[name].as_py()) for name in ("min", "max"))
    if pa.types.is_map(kind):
        return _holds_endless(values.keys) or _holds_endless(values.items)
    if pa.types.is_struct(kind):
        return any(_holds_endless(child) for child in values.flatten())
    return bool(_is_list(kind) and _holds_endless(values.flatten()))


def _is_endless(nanoseconds: int) -> bool:
    return abs(nanoseconds) >= _GREATEST


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _use_microseconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column without nanoseconds, also within lists and objects."""
    wanted = _without_nanoseconds(column.type)
    return column if wanted == column.type else column.cast(wanted, safe=False)


def _without_nanoseconds(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return pa.timestamp("us", tz=kind.tz)
    if pa.types.is_duration(kind) and kind.unit == "ns":
        return pa.duration("us")
    if pa.types.is_time64(kind):
        return pa.time64("us")
    if pa.types.is_struct(kind):
        fields = [kind.field(index) for index in range(kind.num_fields)]
        return pa.struct([field.with_type(_without_nanoseconds(field.type)) for field in fields])
    if pa.types.is_map(kind):
        return pa.map_(_without_nanoseconds(kind.key_type), _without_nanoseconds(kind.item_type))
    if _is_list(kind):
        inner = kind.value_field.with_type(_without_nanoseconds(kind.value_type))
        if pa.types.is_fixed_size_list(kind):
            return pa.list_(inner, kind.list_size)
        return pa.large_list(inner) if pa.types.is_large_list(kind) else pa.list_(inner)
    return kind


def _make_plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _make_plain(item) for key, item in value.items()}
    if isinstance(value, list):
        if value and isinstance(value[0], tuple):  # entries of a map, and nothing else, are tuples
            return {_make_name(key): _make_plain(item) for key, item in value}
        return [_make_plain(item) for item in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    if value is None or isinstance(value, str | int | float | bool | Decimal | datetime | date):
        return value
    return BYTES if isinstance(value, bytes) else str(value)


def _make_name(key: Any) -> str:
    return f"{key:f}" if isinstance(key, Decimal) else str(key)


def _read_cell(scalar: pa.Scalar) -> Any:
    """Return one value of a column that Python cannot hold as a whole."""
    kind = scalar.type
    if not scalar.is_valid:
        return None
    if pa.types.is_struct(kind):
        return {kind.field(index).name: _read_cell(scalar[index]) for index in range(kind.num_fields)}
    if pa.types.is_map(kind):
        return {_make_name(_read_cell(entry[0])): _read_cell(entry[1]) for entry in scalar.values}
    if _is_list(kind):
        return [_read_cell(item) for item in scalar.values]
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return _read_time(scalar)
    if pa.types.is_dictionary(kind):
        return _read_cell(scalar.value)
    try:
        return _make_plain(scalar.as_py())
    except (OverflowError, ValueError, pa.ArrowException):
        is_text = hasattr(scalar, "as_buffer")
        return _keep_bytes(scalar) if is_text else _read_time(scalar)


def _keep_bytes(scalar: pa.Scalar) -> str:
    """Return text that is no UTF-8, each wrong byte as half a character."""
    return str(scalar.as_buffer().to_pybytes(), "utf-8", "surrogateescape")


def _read_time(scalar: pa.Scalar) -> Any:
    """Return a time that Python does not hold as it stands, or that has a zone it does not know."""
    kind = scalar.type
    if pa.types.is_date32(kind):
        micros = scalar.value * _DAY_MICROS
    elif pa.types.is_date64(kind):
        micros = scalar.value * 1_000
    elif pa.types.is_timestamp(kind):
        micros = scalar.value * 1_000_000 // _PER_SECOND[kind.unit]
    else:
        return str(scalar)
    is_endless = pa.types.is_timestamp(kind) and kind.unit == "ns" and _is_endless(scalar.value)
    if MIN_INSTANT <= micros <= MAX_INSTANT and not is_endless:
        moment = from_micros(micros)
        return moment if pa.types.is_date(kind) or kind.tz is not None else moment.replace(tzinfo=None)
    if is_endless or abs(micros) >= _INFINITE_MICROS:
        return "infinity" if micros > 0 else "-infinity"
    return f"{np.datetime64(micros, 'us')}Z"
