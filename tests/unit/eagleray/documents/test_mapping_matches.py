from __future__ import annotations

from eagleray.contracts.sources import Origin, RawRecord
from eagleray.documents.mapping import DEFAULT_MAPPING, load_mapping
from eagleray.documents.mapping_matches import MatchCounter, describe_place, list_mapped_fields

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
