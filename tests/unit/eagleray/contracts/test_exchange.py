from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.contracts.exchange import ROW_SCHEMA, VECTOR, name_attribute_column, name_column_attribute


@given(st.sets(st.text(min_size=1) | st.sampled_from(["attr_x", "attr_attr_x", "x", "title"])))
def test_columns_of_attributes_are_distinct_and_name_them(names):
    columns = [name_attribute_column(name) for name in names]
    assert len(set(columns)) == len(names)
    assert {name_column_attribute(column) for column in columns} == names


@pytest.mark.parametrize("name", [*ROW_SCHEMA.names, VECTOR])
def test_an_attribute_never_takes_the_column_of_something_else(name):
    assert name_attribute_column(name) == f"attr_{name}"
    assert name_column_attribute(name) is None
