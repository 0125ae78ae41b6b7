from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from eagleray.documents.table_cells import BYTES, find_repeated_name, list_cells, list_rows

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
        (2**63 - 1, pa.timestamp("ns", tz="UTC"), "infinity"),
        (-(2**63) + 1, pa.timestamp("ns"), "-infinity"),
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


@pytest.mark.parametrize(
    "wrap",
    [
        lambda values: pa.StructArray.from_arrays([values], ["at"]),
        lambda values: pa.ListArray.from_arrays([0, 1, 2], values),
        lambda values: pa.LargeListArray.from_arrays([0, 1, 2], values),
        lambda values: pa.FixedSizeListArray.from_arrays(values, 1),
        lambda values: pa.MapArray.from_arrays([0, 1, 2], ["at", "at"], values),
    ],
)
@pytest.mark.parametrize(
    ("second", "shown"), [(0, datetime(1970, 1, 1, tzinfo=UTC)), (2**63 - 1, "infinity")]
)
def test_nanoseconds_within_lists_and_objects_become_microseconds(wrap, second, shown):
    values = pa.array([1_000_000_001_999, second], pa.timestamp("ns", tz="UTC"))
    cells = list_cells(pa.chunked_array([wrap(values)]))
    found = [cell["at"] if isinstance(cell, dict) else cell[0] for cell in cells]
    assert found == [datetime(1970, 1, 1, 0, 16, 40, 1, tzinfo=UTC), shown]
    assert type(found[0]) is datetime


def test_maps_are_objects():
    prices = pa.array(
        [[("a.b", Decimal("1.50")), ("c", None)], None], pa.map_(pa.string(), pa.decimal128(9, 2))
    )
    assert list_cells(pa.chunked_array([prices])) == [{"a.b": Decimal("1.50"), "c": None}, None]
    years = pa.array(
        [[(Decimal(7), [[(2019, 1.5)]])]],
        pa.map_(pa.decimal128(9, 0), pa.list_(pa.map_(pa.int32(), pa.float64()))),
    )
    assert list_cells(pa.chunked_array([years])) == [{"7": [{"2019": 1.5}]}]


def test_rows_keep_decimals_and_leave_out_what_is_no_number():
    table = pa.table(
        {
            "amount": pa.array([Decimal("12345678901234567.89")], pa.decimal128(20, 2)),
            "share": [float("nan")],
            "raw": [b"\x00"],
        }
    )
    assert list(list_rows(table)) == [
        {"amount": Decimal("12345678901234567.89"), "share": None, "raw": BYTES}
    ]
    assert list(list_rows(table.select([]))) == [{}]


def test_parts_of_a_second_that_python_does_not_hold_are_cut():
    assert list_cells(make_column([1_001, None], pa.duration("ns"))) == ["0:00:00.000001", None]
    assert list_cells(make_column([1_001, None], pa.time64("ns"))) == ["00:00:00.000001", None]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@pytest.mark.parametrize("is_encoded", [False, True])
def test_text_that_is_no_utf_8_disturbs_no_other_cell(kind, is_encoded):
    width = 8 if kind == pa.large_string() else 4
    offsets = b"".join(n.to_bytes(width, "little") for n in (0, 2, 5))
    values = pa.Array.from_buffers(kind, 2, [None, pa.py_buffer(offsets), pa.py_buffer(b"okb\xe9d")])
    column = pa.DictionaryArray.from_arrays([0, 1], values) if is_encoded else values
    assert list_cells(pa.chunked_array([column])) == ["ok", "b\udce9d"]


def test_a_name_that_stands_twice_is_found_wherever_it_stands():
    once = pa.schema([("a", pa.int64()), ("b", pa.struct([("a", pa.int64())]))])
    assert find_repeated_name(once) == ""
    assert find_repeated_name(pa.schema([("a", pa.int64()), ("a", pa.string())])) == "a"
    inner = pa.struct([("c", pa.int64()), ("c", pa.int64())])
    assert find_repeated_name(pa.schema([("b", inner)])) == "b.c"
