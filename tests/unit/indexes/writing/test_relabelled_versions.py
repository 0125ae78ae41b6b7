from __future__ import annotations

import json
import random

import pyarrow as pa
import pytest

from eagleray.contracts.chunks import DELIVERED_SCHEMA
from eagleray.contracts.times import OPEN_END
from eagleray.digests import canonical_json, make_chunk_id
from indexes.writing.held_rows import HELD_CHUNK_SCHEMA
from indexes.writing.relabelled_versions import MAX_LISTED, SourceNow, relabel_shard
from indexes.writing.versions import name_reissue

TEXT = "A bond pays a coupon. It is called at par."
CUT = ((0, 21), (22, 42))
SOURCE = "desk/a.jsonl"


def make_rows(  # a version as it is held, or as it is read
    doc_id="d",
    *,
    named="old",
    known_from=5,
    known_to=OPEN_END,
    cut=CUT,
    text=TEXT,
    title="",
    attributes=None,
    groups=(),
    zone="default",
    source=SOURCE,
    content=None,
    position="byte 0",
):
    return [
        {
            "chunk_id": make_chunk_id(doc_id, named, "c", ordinal),
            "doc_id": doc_id,
            "version": named,
            "ordinal": ordinal,
            "start": start,
            "end": end,
            "page": None,
            "title": title,
            "heading": title,
            "text": text[start:end],
            "source": source,
            "zone": zone,
            "groups": list(groups),
            "event_time": None,
            "known_from": known_from,
            "known_to": known_to,
            "attributes": canonical_json(attributes or {}).decode(),
            "content": content,
            "position": position,
        }
        for ordinal, (start, end) in enumerate(cut)
    ]


def relabel(read, held, unchanged=(SOURCE,), *, present=(SOURCE, "desk/b.jsonl")):
    def tabulate(versions, schema):
        rows = [{name: row[name] for name in schema.names} for rows in versions for row in rows]
        return pa.Table.from_pylist(rows, schema=schema)

    delivered = tabulate(read, DELIVERED_SCHEMA)
    source = SourceNow(name="desk", present=frozenset(present), unchanged=frozenset(unchanged))
    return relabel_shard(delivered, tabulate(held, HELD_CHUNK_SCHEMA), source=source)


def read(named="new", **more):
    return make_rows(named=named, attributes={"desk": "rates"}, **more)


def test_a_version_gets_new_attributes_under_the_ids_of_its_rows():
    held = make_rows()
    found = relabel([read()], [held])
    assert [row["chunk_id"] for row in found.labels.to_pylist()] == sorted(row["chunk_id"] for row in held)
    assert {(row["content"], row["attributes"], row["is_moved"]) for row in found.labels.to_pylist()} == {
        ("new", '{"desk":"rates"}', False)
    }
    assert (found.moved.num_rows, found.patch.num_rows, found.left) == (0, 0, frozenset())
    assert found.counts["relabelled"] == 1


def test_another_title_moves_the_rows_for_their_vectors_change():
    held = make_rows(known_to=90)
    found = relabel([read(title="A headline")], [held])
    assert [(row["heading"], row["title"], row["text"]) for row in found.moved.to_pylist()] == [
        ("A headline", "A headline", row["text"]) for row in sorted(held, key=lambda row: row["chunk_id"])
    ]
    assert {(row["version"], row["known_to"], row["content"]) for row in found.moved.to_pylist()} == {
        ("old", 90, "new")
    }
    assert all(row["is_moved"] for row in found.labels.to_pylist())


def test_a_title_that_cuts_the_text_elsewhere_leaves_the_rows_where_they_are():
    held = make_rows()
    found = relabel([read(title="Long", cut=((0, 6), (7, 21), (22, 27), (28, 42)))], [held])
    spans = {(row["start"], row["end"], row["heading"]) for row in found.moved.to_pylist()}
    assert spans == {(0, 21, "Long"), (22, 42, "Long")}


def test_what_the_version_says_already_changes_nothing():
    assert relabel([read()], [make_rows(named="new")]).counts["repeated"] == 1
    assert relabel([read()], [make_rows(content="new")]).labels.num_rows == 0


@pytest.mark.parametrize(
    ("delivered", "unchanged", "reason"),
    [
        (read(text=TEXT.replace("called", "repaid")), [SOURCE], "text"),
        (read(text=TEXT + " More.", cut=(*CUT, (43, 48))), [SOURCE], "text"),
        (read(zone="eu"), [SOURCE], "zone"),
        (read(), ["desk/b.jsonl"], "changed"),
        (read(doc_id="e"), [SOURCE], "unknown"),
        (read(source="desk/b.jsonl"), [SOURCE, "desk/b.jsonl"], "unknown"),
    ],
)
def test_what_cannot_be_relabelled_is_left_and_told(delivered, unchanged, reason):
    found = relabel([delivered], [make_rows()], unchanged)
    assert (found.labels.num_rows, found.moved.num_rows, found.patch.num_rows) == (0, 0, 0)
    assert found.counts == {f"left_{reason}": 1}
    assert found.left == {delivered[0]["source"]}
    assert found.listed == ((delivered[0]["doc_id"], reason),)


def test_records_of_one_moment_with_other_content_are_all_left():
    rivals = [read(), read(named="other", position="byte 90")]
    found = relabel(rivals, [make_rows()])
    assert (found.labels.num_rows, found.counts) == (0, {"left_conflict": 2})
    assert relabel([read(), read(position="byte 90")], [make_rows()]).counts["relabelled"] == 1


def test_each_record_relabels_the_version_of_its_moment():
    held = [make_rows(named="o1", known_from=5, known_to=9), make_rows(named="o2", known_from=9)]
    found = relabel([read(named="n1", known_from=5), read(named="n2", known_from=9)], held)
    contents = {row["chunk_id"]: row["content"] for row in found.labels.to_pylist()}
    assert [contents[rows[0]["chunk_id"]] for rows in held] == ["n1", "n2"]


def test_a_record_never_relabels_what_its_part_said_before_it_was_corrected():
    # The record of moment 5 was edited in place: what it says now is known since 30.
    held = [make_rows(named="buy", known_from=5, known_to=30), make_rows(named="sell", known_from=30)]
    found = relabel([read(known_from=5)], held)
    contents = {row["chunk_id"]: row["content"] for row in found.labels.to_pylist()}
    assert contents == {row["chunk_id"]: "new" for row in held[1]}


def test_content_that_came_back_is_relabelled_at_all_its_times():
    again = name_reissue("a", 30)
    held = [
        make_rows(named="a", known_from=5, known_to=9),
        make_rows(named="b", known_from=9, known_to=30, source="desk/b.jsonl"),
        make_rows(named=again, known_from=30),
    ]
    found = relabel([read(known_from=5)], held)
    contents = {row["chunk_id"]: row["content"] for row in found.labels.to_pylist()}
    assert contents == {row["chunk_id"]: "new" for rows in (held[0], held[2]) for row in rows}
    done = [[{**row, "content": contents.get(row["chunk_id"])} for row in rows] for rows in held]
    assert relabel([read(known_from=5)], done).labels.num_rows == 0


def test_an_older_record_is_left_where_another_one_may_have_been_read_there_since():
    held = [
        make_rows(named="buy", known_from=5, known_to=7),
        make_rows(named="sell", known_from=7, known_to=30),
        make_rows(named="now", known_from=30),
    ]
    found = relabel([read(named="n1", known_from=5), read(named="n2", known_from=30)], held)
    assert found.counts["left_unknown"] == 1
    assert {row["content"] for row in found.labels.to_pylist()} == {"n2"}


def test_a_mapping_that_says_another_time_leaves_the_times_as_they_are():
    found = relabel([read(known_from=3)], [make_rows(known_from=5)])
    assert (found.counts["relabelled"], found.counts["times_kept"]) == (1, 1)


def test_groups_change_by_a_patch_of_every_version_that_had_those_of_the_newest():
    held = [make_rows(named="o1", known_to=9), make_rows(named="o2", known_from=9)]
    found = relabel([read(named="o2", known_from=9, groups=["desk"])], held)
    assert {row["chunk_id"] for row in found.patch.to_pylist()} == {
        row["chunk_id"] for rows in held for row in rows
    }
    assert {tuple(row["groups"]) for row in found.patch.to_pylist()} == {("desk",)}
    assert (found.labels.num_rows, found.counts["opened_by_mapping"], found.counts["regrouped"]) == (0, 0, 2)


def test_a_mapping_that_forgets_the_groups_is_seen_to_open_documents():
    found = relabel([read(named="old")], [make_rows(groups=["desk"])])
    assert found.counts["opened_by_mapping"] == 1


def test_nothing_depends_on_the_order_of_the_input():
    versions = [
        (make_rows(f"d{number}"), read(doc_id=f"d{number}", title=f"T{number}")) for number in range(9)
    ]
    shuffled = random.Random(3).sample(versions, len(versions))  # noqa: S311 - a test's shuffle
    one, two = (
        relabel([new for _, new in found], [old for old, _ in found]) for found in (versions, shuffled)
    )
    assert one.labels.equals(two.labels)
    assert one.moved.equals(two.moved)
    assert one.labels["chunk_id"].to_pylist() == sorted(one.labels["chunk_id"].to_pylist())


def test_a_version_whose_part_is_gone_is_told_and_leaves_the_source_done():
    lost, other = "desk/old.jsonl", "desk2/old.jsonl"
    held = [
        make_rows(named="a", known_from=5, known_to=9, source=lost),
        make_rows(named="b", known_from=9),
        make_rows("only there", source=lost),
        make_rows("of another source", source=other),
    ]
    found = relabel([read(known_from=9)], held)
    assert (found.counts["relabelled"], found.counts["left_gone"]) == (1, 2)
    assert found.listed == (("d", "gone"), ("only there", "gone"))
    assert found.left == frozenset()


def test_what_a_part_said_before_it_was_edited_is_gone_and_what_is_refused_is_not():
    held = [make_rows(named="buy", known_from=5, known_to=30), make_rows(named="sell", known_from=30)]
    assert relabel([read(known_from=5)], held).counts["left_gone"] == 1
    refused = [make_rows("unread now", source=SOURCE)]
    assert relabel([], refused).counts == {}


def test_only_some_of_what_is_left_is_named():
    found = relabel([read(doc_id=f"d{number:03}") for number in range(50)], [make_rows()])
    assert found.counts["left_unknown"] == 50
    assert [doc_id for doc_id, _ in found.listed] == [f"d{number:03}" for number in range(MAX_LISTED)]


def test_the_text_of_a_table_row_may_overlap_the_one_before():
    cut = ((0, 30), (22, 42))
    found = relabel([read(cut=CUT)], [make_rows(cut=cut)])
    assert found.counts["relabelled"] == 1
    assert json.loads(found.labels["attributes"][0].as_py()) == {"desk": "rates"}
