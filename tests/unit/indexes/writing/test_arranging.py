from __future__ import annotations

import random

import pyarrow as pa
import pytest

from eagleray.contracts.chunks import DELIVERED_SCHEMA
from eagleray.contracts.times import OPEN_END
from eagleray.digests import make_chunk_id
from indexes.segments.patching import PATCH_SCHEMA
from indexes.writing.arranging import Remapping, arrange_shard
from indexes.writing.held_rows import STATE_SCHEMA

NOW = 1_000


def make_rows(doc_id, version, *, known_from=5, position="byte 0", n_chunks=2, groups=()):
    return [
        {
            "chunk_id": make_chunk_id(doc_id, version, "c", ordinal),
            "doc_id": doc_id,
            "version": version,
            "ordinal": ordinal,
            "start": ordinal * 4,
            "end": ordinal * 4 + 4,
            "page": None,
            "title": "t",
            "heading": "t",
            "text": f"tex{ordinal}",
            "source": "notes/a.jsonl",
            "zone": "default",
            "groups": list(groups),
            "event_time": None,
            "known_from": known_from,
            "known_to": OPEN_END,
            "attributes": "{}",
            "position": position,
        }
        for ordinal in range(n_chunks)
    ]


def deliver(*groups_of_rows):
    rows = [row for rows in groups_of_rows for row in rows]
    return pa.Table.from_pylist(rows, schema=DELIVERED_SCHEMA)


def hold(*groups_of_rows, is_due=True, unread=None):
    rows = [
        {**row, "is_due": is_due, "unread": unread, "content": None}
        for rows in groups_of_rows
        for row in rows
    ]
    named = [{name: row[name] for name in STATE_SCHEMA.names} for row in rows]
    return pa.Table.from_pylist(named, schema=STATE_SCHEMA)


def arrange(delivered, state, remapping=None):
    return arrange_shard(delivered, state, chunker_digest="c", now=NOW, remapping=remapping)


def test_new_documents_come_out_sorted_by_chunk_id_whatever_their_order():
    rows = [row for number in range(9) for row in make_rows(f"d{number}", "v")]
    shuffled = random.Random(5).sample(rows, len(rows))  # noqa: S311 - a test's shuffle
    one, two = arrange(deliver(rows), hold()), arrange(deliver(shuffled), hold())
    assert one.rows.equals(two.rows)
    ids = one.rows["chunk_id"].to_pylist()
    assert ids == sorted(ids)
    assert one.counts["open_change"] == 9


def test_a_newer_version_closes_every_chunk_of_the_older_one():
    old = make_rows("d", "v1")
    arranged = arrange(deliver(make_rows("d", "v2", known_from=50)), hold(old))
    assert arranged.patch.schema == PATCH_SCHEMA
    assert {row["chunk_id"]: row["known_to"] for row in arranged.patch.to_pylist()} == {
        row["chunk_id"]: 50 for row in old
    }
    assert arranged.counts["superseded"] == 1
    assert arranged.counts["open_change"] == 0


@pytest.mark.parametrize(
    ("before", "after", "is_opened"),
    [
        (("desk",), (), True),
        (("desk",), ("desk", "sales"), True),
        (("desk",), ("sales",), True),
        (("desk", "sales"), ("desk",), False),
        (("desk",), ("desk",), False),
        ((), (), False),
        ((), ("desk",), False),
    ],
)
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_mapping_opens_a_document_to_whoever_could_not_read_it(before, after, is_opened, version):
    held = hold(make_rows("d", "v1", groups=before))
    delivered = deliver(make_rows("d", version, known_from=5, groups=after))
    counts = arrange(delivered, held, Remapping(is_all=True)).counts
    assert (counts["opened_by_mapping"], counts["superseded_by_mapping"]) == (is_opened, 0)
    assert "opened_by_mapping" not in arrange(delivered, held).counts


def test_what_the_mapping_alone_supersedes_is_in_files_that_did_not_change():
    held = hold(make_rows("d", "v1"))
    delivered = deliver(make_rows("d", "v2", known_from=50))
    counts = [
        arrange(delivered, held, Remapping(is_all=True, unchanged=frozenset(unchanged))).counts
        for unchanged in (["notes/a.jsonl"], ["notes/b.jsonl"])
    ]
    assert [(item["superseded"], item["superseded_by_mapping"]) for item in counts] == [(1, 1), (1, 0)]


def test_a_mapping_that_moves_a_document_to_another_zone_opens_it_there():
    moved = [{**row, "zone": "eu"} for row in make_rows("d", "v2", known_from=50)]
    counts = arrange(deliver(moved), hold(make_rows("d", "v1")), Remapping(is_all=True)).counts
    assert counts["opened_by_mapping"] == 1


def test_what_is_gone_is_closed_when_the_run_began():
    arranged = arrange(deliver(), hold(make_rows("d", "v1")))
    assert set(arranged.patch["known_to"].to_pylist()) == {NOW}
    assert arranged.counts["removed"] == 1
    assert arranged.counts["open_change"] == -1


def test_the_same_again_leaves_nothing_to_write():
    arranged = arrange(deliver(make_rows("d", "v1")), hold(make_rows("d", "v1")))
    assert arranged.rows.num_rows == arranged.patch.num_rows == 0
    assert arranged.counts["repeated"] == 1


def test_two_texts_of_one_id_and_moment_become_two_dead_letters():
    first = make_rows("d", "v1", position="byte 0")
    second = make_rows("d", "v2", position="byte 90")
    arranged = arrange(deliver(first, second), hold())
    assert arranged.rows.num_rows == 0
    assert {letter.position for letter in arranged.dead_letters} == {"byte 0", "byte 90"}
    assert all(letter.doc_id == "d" for letter in arranged.dead_letters)


def test_one_record_delivered_twice_is_used_once():
    first = make_rows("d", "v1", position="byte 0")
    second = make_rows("d", "v1", position="byte 90")
    arranged = arrange(deliver(first, second), hold())
    assert arranged.rows.num_rows == 2
    assert arranged.counts["repeated"] == 1


def test_content_that_comes_back_gets_new_chunk_ids():
    rows = [make_rows("d", version, known_from=at) for version, at in (("a", 1), ("b", 2), ("a", 3))]
    for place, group in enumerate(rows):
        for row in group:
            row["position"] = f"byte {place}"
    arranged = arrange(deliver(*rows), hold())
    ids = arranged.rows["chunk_id"].to_pylist()
    assert len(set(ids)) == len(ids) == 6
    times = set(
        zip(arranged.rows["known_from"].to_pylist(), arranged.rows["known_to"].to_pylist(), strict=True)
    )
    assert times == {(1, 2), (2, 3), (3, OPEN_END)}


def test_new_groups_become_a_patch_of_groups():
    arranged = arrange(deliver(make_rows("d", "v", groups=["desk"])), hold(make_rows("d", "v")))
    assert arranged.patch["groups"].to_pylist() == [["desk"], ["desk"]]
    assert arranged.patch["known_to"].null_count == 2
    assert arranged.rows.num_rows == 0


@pytest.mark.parametrize("zone", ["default", "other"])
def test_rows_keep_the_documents_zone(zone):
    rows = [{**row, "zone": zone} for row in make_rows("d", "v")]
    assert set(arrange(deliver(rows), hold()).rows["zone"].to_pylist()) == {zone}
