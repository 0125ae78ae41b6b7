from __future__ import annotations

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given

from eagleray.digests import canonical_json
from indexes.segments import attribute_columns
from indexes.segments.attribute_columns import (
    OTHERS,
    build_columns,
    find_columns,
    list_rare_names,
    list_types,
    read_row_values,
)
from indexes.segments.attributes import find_attribute_types, read_typed_values
from tests.unit.indexes.segments.test_attributes import VALUES

NAMES = st.sampled_from(["a", "b.c", 'with "quotes"', "strings.a", "", "é"])
DOCUMENTS = st.lists(
    st.dictionaries(NAMES, VALUES).map(lambda value: canonical_json(value).decode()), min_size=1, max_size=12
)


def build(documents):
    fields, columns = build_columns(pa.chunked_array([pa.array(documents, pa.string())]))
    return pa.Table.from_arrays(
        [*columns, pa.nulls(len(documents))], schema=pa.schema([*fields, ("x", pa.null())])
    )


@pytest.mark.parametrize("max_columns", [512, 2, 0])
@given(documents=DOCUMENTS)
def test_every_row_gives_back_its_values_however_many_columns_there_may_be(max_columns, documents):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(attribute_columns, "MAX_COLUMNS", max_columns)
        rows = build(documents)
    expected = [read_typed_values(document) for document in documents]
    columns = dict(zip(rows.column_names, rows.columns, strict=True))
    assert [read_row_values(columns, row) for row in range(len(documents))] == expected
    types = find_attribute_types(documents)
    assert list_types(rows) == types
    for name, kinds in types.items():
        found = find_columns(rows, name)
        assert tuple(sorted(found)) == kinds
        for kind, column in found.items():
            values = [row[name][1] if row.get(name, ("",))[0] == kind else None for row in expected]
            assert column.to_pylist() == values
    assert find_columns(rows, "never") == {}


def test_the_rarest_attributes_share_a_column(monkeypatch):
    monkeypatch.setattr(attribute_columns, "MAX_COLUMNS", 1)
    rows = build(['{"a":1,"b":"x"}', '{"a":2}', "{}"])
    assert rows.column_names == ["attr.integer.a", OTHERS, "x"]
    assert rows[OTHERS].to_pylist() == ['{"b":["string","x"]}', None, None]
    assert list_rare_names(rows, None) == {"b"}
