from __future__ import annotations

import pyarrow as pa
import pytest

from eagleray.contracts.documents import AttributeType
from indexes.exchange.attribute_columns import COLUMN_TYPES, widen_column

KIND = AttributeType


@pytest.mark.parametrize(
    ("values", "found", "wanted", "shown"),
    [
        ([1, None], KIND.INTEGER, KIND.NUMBER, [1.0, None]),
        ([1, None], KIND.INTEGER, KIND.STRING, ["1", None]),
        ([1.5], KIND.NUMBER, KIND.STRING, ["1.5"]),
        ([True, None], KIND.BOOLEAN, KIND.STRING, ["true", None]),
        ([0], KIND.TIME, KIND.STRING, ["1970-01-01T00:00:00Z"]),
        (["a", None], KIND.STRING, KIND.STRINGS, [["a"], None]),
        ([False], KIND.BOOLEAN, KIND.STRINGS, [["false"]]),
        ([["a", "b"], None, []], KIND.STRINGS, KIND.STRINGS, [["a", "b"], None, []]),
    ],
)
def test_a_narrower_column_takes_the_type_of_the_whole(values, found, wanted, shown):
    stored = pa.array(values, pa.int64() if found is KIND.TIME else COLUMN_TYPES[found])
    widened = widen_column(stored, found=found, wanted=wanted)
    assert widened.type == COLUMN_TYPES[wanted]
    assert widened.to_pylist() == shown


def test_a_time_is_an_instant_in_utc():
    column = widen_column(pa.array([86_400_000_000, None], pa.int64()), found=KIND.TIME, wanted=KIND.TIME)
    assert column.type == pa.timestamp("us", tz="UTC")
    assert column[0].as_py().isoformat() == "1970-01-02T00:00:00+00:00"
    assert column[1].as_py() is None
