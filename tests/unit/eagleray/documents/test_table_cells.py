from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from eagleray.documents.table_cells import list_cells, list_rows

UTC_MICROS = pa.timestamp("us", tz="UTC")


def make_column(values, kind):
    storage = pa.int32() if pa.types.is_date32(kind) else pa.int64()
    return pa.chunked_array([pa.array(values, storage).cast(kind)])


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        (2**63 - 1, UTC_MICROS, "infinity"),
        (-(2**63) + 1, UTC_MICROS, "-infinity"),
        (2**31 - 1, pa.date32(), "infinity"),
        (-(2**31) + 1, pa.date32(), "-infinity"),
        (2**62, pa.timestamp("s", tz="UTC"), "infinity"),
        (9_224_318_015_999_999, pa.date64(), "infinity"),
        (253_402_300_800_000_000, UTC_MICROS, "10000-01-01T00:00:00.000000Z"),
        (253_402_300_800, pa.timestamp("s", tz="UTC"), "10000-01-01T00:00:00.000000Z"),
    ],
)
def test_a_time_beyond_python_is_text_and_disturbs_no_other_cell(value, kind, shown):
    cells = list_cells(make_column([value, None, 0], kind))
    assert cells[:2] == [shown, None]
    assert str(cells[2]).startswith("1970-01-01")


def test_the_domain_is_read_in_whatever_zone_a_column_is_shown():
    first, last = -62_135_596_800_000_000, 253_402_300_799_999_999
    expected = [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)]
    for zone in ("UTC", "America/New_York", "Asia/Tokyo", "Mars/Olympus"):
        assert list_cells(make_column([first, last], pa.timestamp("us", tz=zone))) == expected


def test_times_within_lists_and_objects_are_read_alike():
    kind = pa.struct([("at", UTC_MICROS), ("all", pa.list_(UTC_MICROS))])
    plain = pa.struct([("at", pa.int64()), ("all", pa.list_(pa.int64()))])
    column = pa.chunked_array(
        [pa.array([{"at": 2**63 - 1, "all": [0, -(2**63) + 1]}, None], plain).cast(kind)]
    )
    assert list_cells(column) == [
        {"at": "infinity", "all": [datetime(1970, 1, 1, tzinfo=UTC), "-infinity"]},
        None,
    ]


def test_nanoseconds_within_objects_become_microseconds():
    plain = pa.array([{"at": 1_000_000_001_999}], pa.struct([("at", pa.int64())]))
    column = pa.chunked_array([plain.cast(pa.struct([("at", pa.timestamp("ns", tz="UTC"))]))])
    assert list_cells(column) == [{"at": datetime(1970, 1, 1, 0, 16, 40, 1, tzinfo=UTC)}]


def test_rows_keep_decimals_and_leave_out_what_is_no_number():
    table = pa.table(
        {
            "amount": pa.array([Decimal("12345678901234567.89")], pa.decimal128(20, 2)),
            "share": [float("nan")],
            "raw": [b"\x00"],
        }
    )
    assert list(list_rows(table)) == [{"amount": Decimal("12345678901234567.89"), "share": None, "raw": None}]
    assert list(list_rows(table.select([]))) == [{}]
