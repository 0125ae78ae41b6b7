from __future__ import annotations

import pytest

from eagleray.contracts.sources import Origin, RawRecord
from eagleray.documents.mapping import DEFAULT_MAPPING, load_mapping
from eagleray.documents.mapping_matches import (
    MAX_NAMES,
    MatchCounter,
    describe_place,
    find_nearest_name,
    list_mapped_fields,
)

MAPPING = """
known_from: {from: [{field: published}, {file: modified}]}
groups: {constant: [rates]}
attributes:
  ticker: {path: '/(?P<value>[A-Z]+)-', type: string}
  title: {field: meta.title, type: string}
other_attributes: {field: tags}
"""


def load(tmp_path, text=MAPPING):
    (tmp_path / "mapping.yaml").write_text(text)
    return load_mapping(tmp_path / "mapping.yaml")


def record(uri="desk/a.md", **fields):
    return RawRecord(origin=Origin(uri=uri), modified=5, fields=fields)


def test_each_field_counts_once_a_record_at_the_first_place_that_has_a_value(tmp_path):
    counter = MatchCounter(load(tmp_path))
    counter.add(record(published="2020-01-01", meta={"title": ""}))
    counter.add(record("desk/AAPL-1.md", tags={"a": 1}))
    counter.add(record("desk/IBM-1.md", published=None))
    assert counter.n_records == 3
    assert counter.close() == {
        "known_from": (1, 2),
        "groups": (3,),
        "ticker": (2,),
        "attributes.title": (1,),
        "other_attributes": (1,),
    }


def test_the_names_of_the_first_record_are_kept_as_a_mapping_writes_them(tmp_path):
    counter = MatchCounter(load(tmp_path))
    assert counter.names == frozenset()
    counter.add(record(_id="1", Sector="x", empty=None, meta={"title": "", "deep": {"a": 1}}))
    counter.add(record(other=1))
    assert counter.names == {"_id", "Sector", "meta.title", "meta.deep"}
    wide = MatchCounter(load(tmp_path))
    wide.add(record(**{f"column{number}": number for number in range(1000)}))
    assert len(wide.names) == MAX_NAMES


@pytest.mark.parametrize(
    ("wanted", "nearest"),
    [
        ("sector", "Sector"),
        ("ticker", "meta.Ticker"),
        ("tags.ticker", "meta.Ticker"),
        ("publishd", "published"),
        ("coupon", ""),
    ],
)
def test_the_field_that_was_meant_is_in_another_case_or_within_another_or_spelt_alike(wanted, nearest):
    assert find_nearest_name(wanted, ["_id", "Sector", "meta.Ticker", "published"]) == nearest


def test_without_a_file_only_the_time_of_knowledge_is_counted():
    assert [field.name for field in list_mapped_fields(DEFAULT_MAPPING)] == ["known_from"]
    assert MatchCounter(None).close() == {}


def test_places_are_told_as_the_mapping_file_writes_them(tmp_path):
    fields = list_mapped_fields(load(tmp_path))
    assert [describe_place(place) for field in fields for place in field.places] == [
        "field published",
        "file modified",
        "constant",
        "path '/(?P<value>[A-Z]+)-'",
        "field meta.title",
        "field tags",
    ]
