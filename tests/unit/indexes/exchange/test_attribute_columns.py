from __future__ import annotations

import numpy as np
import pyarrow as pa

from eagleray.contracts.collections import Collection
from eagleray.contracts.documents import AttributeType
from eagleray.contracts.exchange import name_attribute_column, name_column_attribute
from eagleray.digests import canonical_json
from indexes.exchange.blocks import make_fields, take_columns
from indexes.segments.opened_segment import open_segment
from indexes.storage.local import LocalStore
from tests.small_collections import SPEC, make_rows, make_vectors, put_segment


def test_an_attribute_of_several_types_has_a_column_for_each_and_every_value_is_exact(tmp_path):
    values = [2**53 + 1, 1.5, "n/a", "2019-01-01", ["a", "b"], True, None]
    rows = make_rows(np.random.default_rng(7), n_documents=12)[: len(values)]
    for row, value in zip(rows, values, strict=True):
        row["attributes"] = canonical_json({"m": value, "year": 2019}).decode()
    store = LocalStore(tmp_path)
    vectors = make_vectors(np.random.default_rng(1), len(rows))
    view = open_segment(Collection(store, SPEC.name), put_segment(store, rows, vectors))
    types = {**view.attributes, "gone": (AttributeType.TIME,)}
    table = pa.Table.from_arrays(take_columns(view.rows, types), schema=pa.schema(make_fields(types)))
    order = [rows.index(row) for chunk_id in view.chunk_ids for row in rows if row["chunk_id"] == chunk_id]
    shown = {
        name.removeprefix("attr_"): {
            order[place]: value for place, value in enumerate(column) if value is not None
        }
        for name, column in table.to_pydict().items()
    }
    day = np.datetime64("2019-01-01").astype("datetime64[us]").item()
    assert shown.pop("time_m") == {3: day.replace(tzinfo=shown_zone(table))}
    assert shown == {
        "boolean_m": {5: True},
        "integer_m": {0: 2**53 + 1},
        "number_m": {1: 1.5},
        "string_m": {2: "n/a"},
        "strings_m": {4: ["a", "b"]},
        "year": dict.fromkeys(range(len(values)), 2019),
        "gone": {},
    }


def shown_zone(table):
    return next(value.tzinfo for value in table["attr_time_m"].to_pylist() if value is not None)


def test_every_column_names_its_attribute_whatever_the_attribute_is_called():
    names = [
        "year",
        "title",
        "vector",
        "attr_x",
        "integer_x",
        "attr_integer_x",
        "",
        "a b",
        "strings_",
        "attr_",
    ]
    for name in names:
        for kind in (None, *AttributeType):
            assert name_column_attribute(name_attribute_column(name, kind)) == name, (name, kind)
    columns = [name_attribute_column(name, kind) for name in names for kind in (None, *AttributeType)]
    assert len(set(columns)) == len(columns)
