"""What is known of a source after each of its runs, whatever they read and whether they were published."""

from __future__ import annotations

from eagleray.documents.mapping_matches import MappedField
from indexes.runs.unread import SourceRecord, TriedPart
from ray_jobs.source_reading import ReadSource, gather_reading, update_record
from ray_jobs.stages.read_tally import ReadTally, add_tallies

NONE = SourceRecord(source="desk")


def source(after, *, before=None, is_stream=False, mapping="m"):
    return ReadSource(
        name="desk", is_stream=is_stream, before=before or {}, after=after, passed_over={}, mapping=mapping
    )


def read(documents=None, faults=None, *, later=(), matches=None):
    tally = ReadTally(
        documents={f"desk/{part}": n for part, n in (documents or {}).items()},
        faults={f"desk/{part}": {"empty_text": n} for part, n in (faults or {}).items()},
        matches=matches or {},
    )
    return gather_reading("desk", tally, later)


def test_tallies_of_splits_add_up_where_one_file_is_read_in_several():
    first = ReadTally(
        documents={"desk/a": 2},
        faults={"desk/a": {"x": 1}},
        n_records=3,
        matches={"year": (1, 0)},
        names=("b", "c"),
    )
    second = ReadTally(
        documents={"desk/a": 1},
        faults={"desk/a": {"x": 1, "y": 4}},
        n_records=2,
        matches={"year": (0, 2)},
        names=("a", "b"),
    )
    assert add_tallies([first, second, ReadTally()]) == ReadTally(
        documents={"desk/a": 3},
        faults={"desk/a": {"x": 2, "y": 4}},
        n_records=5,
        matches={"year": (1, 2)},
        names=("a", "b", "c"),
    )


def test_what_later_stages_set_aside_is_no_document_and_counts_where_it_came_from():
    reading = read({"a": 2, "b": 1}, {"a": 1}, later=[{"desk/a": {"refused": 1}, "desk/b": {"refused": 1}}])
    assert reading.documents == {"a": 1}
    assert reading.faults == {"a": {"empty_text": 1, "refused": 1}, "b": {"refused": 1}}
    assert (reading.n_documents, reading.n_dead_letters) == (3, 3)


def test_a_file_stays_unread_until_it_is_tried_again_or_gone():
    first = update_record(NONE, source({"a": "1", "b": "1"}), read({"a": 1}, {"b": 1}), run="r1")
    assert first.unread == {"b": TriedPart(mark="1", runs=("r1",), has_documents=False)}
    unread = {"a": "2", "b": "1"}
    second = update_record(first, source(unread, before={"a": "1", "b": "1"}), read({"a": 1}), run="r2")
    assert second.unread == first.unread
    mended = update_record(second, source({"a": "2", "b": "2"}, before=unread), read({"b": 1}), run="r3")
    assert mended.unread == {}
    gone = update_record(second, source({"a": "2"}, before=unread), read(), run="r3")
    assert gone.unread == {}


def test_a_file_of_which_something_was_read_is_told_apart():
    record = update_record(NONE, source({"a": "1"}), read({"a": 5}, {"a": 1}), run="r1")
    assert record.unread["a"].has_documents


def test_a_file_that_becomes_again_what_was_published_is_unread_as_it_was_then():
    published = {"a": "1"}
    first = update_record(NONE, source(published), read({}, {"a": 1}), run="r1")
    unpublished = update_record(first, source({"a": "2"}, before=published), read({"a": 1}), run="r2")
    assert unpublished.unread == {}
    restored = update_record(unpublished, source(published, before=published), read(), run="r3")
    assert restored.unread["a"].runs == ("r1",)


def test_a_file_that_was_well_when_it_was_published_is_well_when_it_is_restored():
    published = {"a": "1"}
    broken = update_record(NONE, source({"a": "2"}, before=published), read({}, {"a": 1}), run="r2")
    restored = update_record(broken, source(published, before=published), read(), run="r3")
    assert (set(broken.unread), restored.unread) == ({"a"}, {})


def test_dead_letters_of_a_stream_stand_because_nothing_is_read_again():
    first = update_record(NONE, source({"0": "5"}, is_stream=True), read({"0": 4}, {"0": 1}), run="r1")
    second = update_record(
        first, source({"0": "9"}, before={"0": "5"}, is_stream=True), read({"0": 4}), run="r2"
    )
    third = update_record(
        second, source({"0": "12"}, before={"0": "9"}, is_stream=True), read({"0": 2}, {"0": 1}), run="r3"
    )
    assert third.unread["0"].runs == ("r1", "r3")


def test_a_field_that_has_matched_once_is_known_until_the_mapping_changes():
    first = update_record(NONE, source({"a": "1"}), read({"a": 1}, matches={"year": (0, 1)}), run="r1")
    second = update_record(first, source({"a": "2"}), read({"a": 1}, matches={"year": (0, 0)}), run="r2")
    other = update_record(
        second, source({"a": "2"}, mapping="n"), read({"a": 1}, matches={"year": (0, 0)}), run="r3"
    )
    assert (first.matched, second.matched, other.matched) == (("year",), ("year",), ())


def test_a_source_without_a_mapping_has_no_fields():
    assert source({}).fields == ()
    assert MappedField(name="year", places=()).places == ()
