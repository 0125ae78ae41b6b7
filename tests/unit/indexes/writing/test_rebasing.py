"""Snapshots of jobs that writes overtook, made and published in a real local store."""

from __future__ import annotations

import random
from dataclasses import replace

import pyarrow as pa
import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import Relabelling
from eagleray.contracts.sources import StreamMove
from eagleray.errors import ConflictError, StreamMovedError
from indexes.evaluation.budgets import Budgets
from indexes.gating import SnapshotGate
from indexes.job_publication import publish_made
from indexes.segments.opened_segment import open_segment
from indexes.segments.relabelled_segment import LABEL_SCHEMA, relabel_segment
from indexes.snapshots.aliases import AliasMove, move_alias, read_alias
from indexes.snapshots.catalog import load_snapshot, put_snapshot
from indexes.snapshots.opened import open_snapshot
from indexes.snapshots.patches import make_patch, put_patch
from indexes.writing import committing
from indexes.writing.arranging import build_patch
from indexes.writing.assembling import RelabelledParts, assemble_relabelled
from indexes.writing.committing import commit
from indexes.writing.held_rows import list_held_rows
from indexes.writing.rebasing import Rebase
from tests.unit.indexes.writing.test_committing import NAME, find, note, store, target, write  # noqa: F401


def branch(store, *writes, moves=()):  # noqa: F811 - the fixture
    """Return what writes make of the published snapshot, published nowhere a reader looks."""
    live = read_alias(Collection(store, NAME), "live").snapshot
    job = read_alias(Collection(store, NAME), "job")
    move = AliasMove(expected=job and job.snapshot, snapshot=live, reason="", now=1)
    move_alias(Collection(store, NAME), "job", move=move)
    snapshots = commit(replace(target(store), alias="job"), writes, moves=moves)
    return load_snapshot(Collection(store, NAME), next(iter(snapshots.values())))


def make_gate(folder):
    return SnapshotGate(cache=folder / "cache", budgets=Budgets())


def publish(store, made, tmp_path, **more):  # noqa: F811
    notes = []
    entry = publish_made(
        make_gate(tmp_path),
        store,
        made=made,
        alias="live",
        reason="publish job",
        keep_notes=lambda onto, snapshot: notes.append((onto, snapshot)),
        **more,
    )
    return entry, notes


def show_rows(store, name):  # noqa: F811
    """Return all rows of a snapshot, patches applied, in an order of their own."""
    opened = open_snapshot(Collection(store, NAME), name)
    rows = [row for view in opened.segments for row in list_held_rows(view, due=frozenset()).to_pylist()]
    return sorted(rows, key=lambda row: (row["chunk_id"], row["known_from"])), opened.manifest.n_documents


def test_a_job_that_writes_overtook_is_published_on_top_of_them_and_passes_the_gate(store, tmp_path):  # noqa: F811
    commit(target(store), [write(note("a", "swap curve"), note("b", "repo haircut"))])
    made = branch(store, write(note("late", "gamma vega"), note("a", "swap spread", known_from=1_500)))
    commit(target(store), [write(note("new", "basis point"))])
    commit(target(store), [write(removed=("b",), now=3_000)])
    overtaking = read_alias(Collection(store, NAME), "live")
    entry, notes = publish(store, made, tmp_path)
    assert notes == [(made.parent, made.snapshot_id), (overtaking.snapshot, entry.snapshot)]
    assert find(store, "swap repo gamma basis") == {
        "a": "swap spread",
        "late": "gamma vega",
        "new": "basis point",
    }
    assert find(store, "swap repo", as_of=1_200) == {"a": "swap curve", "b": "repo haircut"}
    manifest = load_snapshot(Collection(store, NAME), entry.snapshot)
    assert manifest.n_documents == 3
    assert make_gate(tmp_path).try_snapshot(store, manifest).passed


@pytest.mark.parametrize(
    "theirs",
    [
        write(note("a", "other text", known_from=1_600)),
        write(removed=("a",), now=3_000),
        write(note("late", "another late", known_from=1_700)),
    ],
    ids=["another version", "a removal", "the same new document"],
)
def test_a_document_that_both_touched_makes_a_conflict_and_the_alias_stays(store, tmp_path, theirs):  # noqa: F811
    commit(target(store), [write(note("a", "swap curve"), note("b", "repo haircut"))])
    made = branch(store, write(note("late", "gamma vega"), note("a", "swap spread", known_from=1_500)))
    commit(target(store), [theirs])
    standing = read_alias(Collection(store, NAME), "live")
    with pytest.raises(ConflictError):
        publish(store, made, tmp_path)
    assert read_alias(Collection(store, NAME), "live") == standing


def test_a_rollback_or_rows_in_other_segments_are_not_built_on(store, tmp_path):  # noqa: F811
    first = read_alias(Collection(store, NAME), "live").snapshot
    commit(target(store), [write(note("a", "swap curve"))])
    made = branch(store, write(note("late", "gamma vega")))
    move = AliasMove(expected=made.parent, snapshot=first, reason="rollback", now=1)
    move_alias(Collection(store, NAME), "live", move=move)
    assert Rebase(store, made).put_onto(first) is None
    with pytest.raises(ConflictError):
        publish(store, made, tmp_path)


def test_a_compaction_goes_below_what_was_written_meanwhile(store, tmp_path):  # noqa: F811
    commit(target(store), [write(note("a", "swap curve"))])
    commit(target(store), [write(note("b", "repo haircut"))])
    before = load_snapshot(Collection(store, NAME), read_alias(Collection(store, NAME), "live").snapshot)
    made = replace(before, segments=before.segments[::-1], parent=before.snapshot_id)  # the same rows
    put_snapshot(store, made)
    commit(target(store), [write(note("a", "swap spread", known_from=1_500), removed=("b",), now=3_000)])
    expected, n_documents = show_rows(store, "live")
    entry, _ = publish(store, made, tmp_path)
    assert load_snapshot(Collection(store, NAME), entry.snapshot).segments[:2] == made.segments
    assert show_rows(store, "live") == (expected, n_documents)


def relabel(store, doc_id, *, groups=None):  # noqa: F811
    """Return what a relabelling of a document makes of the published snapshot."""
    collection = Collection(store, NAME)
    before = load_snapshot(collection, read_alias(collection, "live").snapshot)
    rows = [
        row
        for digest in before.segments
        for row in open_segment(collection, digest).rows.to_pylist()
        if row["doc_id"] == doc_id
    ]
    labels = [
        {
            "chunk_id": row["chunk_id"],
            "is_moved": False,
            "title": "Relabelled",
            "event_time": None,
            "attributes": '{"desk":"rates"}',
            "content": "c",
        }
        for row in rows
    ]
    table = pa.Table.from_pylist(labels, schema=LABEL_SCHEMA)
    changes = None if groups is None else [(row["chunk_id"], None, groups) for row in rows]
    parts = RelabelledParts(
        replaced={digest: relabel_segment(collection, digest, [table]) for digest in before.segments},
        moved=(),
        patch=None if changes is None else put_patch(collection, make_patch(build_patch(changes))),
        relabelling=Relabelling(run="r", source="desk", mapping="m", n_versions=1),
    )
    return assemble_relabelled(store, before, parts)


def test_a_relabelling_goes_below_what_was_written_meanwhile_to_the_same_document_too(store, tmp_path):  # noqa: F811
    commit(target(store), [write(note("a", "swap curve"), note("b", "repo haircut"))])
    made = relabel(store, "a")
    commit(target(store), [write(note("a", "swap spread", known_from=1_500), removed=("b",), now=3_000)])
    expected, n_documents = show_rows(store, "live")
    entry, _ = publish(store, made, tmp_path)
    manifest = load_snapshot(Collection(store, NAME), entry.snapshot)
    assert [item.run for item in manifest.relabellings] == ["r"]
    found, n_found = show_rows(store, "live")
    assert [{**row, "content": None} for row in found] == expected
    assert n_found == n_documents
    assert [row["content"] for row in found if row["known_to"] == 1_500] == ["c"]
    assert make_gate(tmp_path).try_snapshot(store, manifest).passed
    commit(target(store), [write(note("x", "basis"))])
    assert open_snapshot(Collection(store, NAME), "live").manifest.relabellings == manifest.relabellings


def test_a_relabelling_that_changes_groups_of_a_document_that_others_wrote_is_a_conflict(store, tmp_path):  # noqa: F811
    commit(target(store), [write(note("a", "swap curve"), note("b", "repo haircut"))])
    made = relabel(store, "a", groups=["desk"])
    commit(target(store), [write(note("c", "basis"))])
    entry, _ = publish(store, made, tmp_path)
    other = relabel(store, "a", groups=["other"])
    commit(target(store), [write(note("a", "swap spread", known_from=1_500))])
    with pytest.raises(ConflictError):
        publish(store, other, tmp_path)
    assert load_snapshot(Collection(store, NAME), entry.snapshot).relabellings == made.relabellings


def test_a_job_whose_stream_others_moved_is_told_so_although_both_wrote_the_same_documents(store, tmp_path):  # noqa: F811
    commit(target(store), [write(note("a", "swap curve"))])
    moves = [StreamMove(stream="trades", expected={}, position={"0": end}) for end in "12"]
    made = branch(store, write(note("late", "gamma vega")), moves=moves[:1])
    commit(target(store), [write(note("late", "gamma vega"), note("x", "basis"))], moves=moves[1:])
    published = read_alias(Collection(store, NAME), "live")
    with pytest.raises(StreamMovedError, match="'trades'"):
        publish(store, made, tmp_path)
    assert read_alias(Collection(store, NAME), "live") == published


def make_first(store, *writes, moves=()):  # noqa: F811 - the fixture
    """Return what a first run makes, which found no snapshot to build on."""
    made = replace(branch(store, *writes, moves=moves), parent=None)
    put_snapshot(store, made)
    return made


def test_two_first_runs_that_meet_are_both_published(store, tmp_path):  # noqa: F811
    made = make_first(store, write(note("late", "gamma vega")))
    commit(target(store), [write(note("new", "basis point"))])
    overtaking = read_alias(Collection(store, NAME), "live")
    entry, notes = publish(store, made, tmp_path)
    assert notes == [(None, made.snapshot_id), (overtaking.snapshot, entry.snapshot)]
    assert find(store, "gamma basis") == {"late": "gamma vega", "new": "basis point"}
    manifest = load_snapshot(Collection(store, NAME), entry.snapshot)
    assert (manifest.n_documents, manifest.n_rows) == (2, 2)
    assert make_gate(tmp_path).try_snapshot(store, manifest).passed


def test_of_two_first_runs_with_the_same_document_one_is_to_run_again(store, tmp_path):  # noqa: F811
    made = make_first(store, write(note("a", "gamma vega")))
    commit(target(store), [write(note("a", "basis point"))])
    with pytest.raises(ConflictError, match="run it again"):
        publish(store, made, tmp_path)


def test_two_first_runs_of_one_stream_are_told_so(store, tmp_path):  # noqa: F811
    moves = [StreamMove(stream="trades", expected={}, position={"0": "9"})]
    made = make_first(store, write(note("t9", "gamma vega")), moves=moves)
    commit(target(store), [write(note("t9", "gamma vega"))], moves=moves)
    with pytest.raises(StreamMovedError, match="another writer moved the stream 'trades'"):
        publish(store, made, tmp_path)


def test_others_who_come_between_again_are_built_on_again(store, tmp_path, monkeypatch):  # noqa: F811
    commit(target(store), [write(note("a", "swap curve"))])
    made = branch(store, write(note("late", "gamma vega")))
    commit(target(store), [write(note("x0", "basis"))])
    n_more = 3
    notes = []

    def disturb(onto, snapshot):
        notes.append(snapshot)
        if len(notes) <= n_more:
            commit(target(store), [write(note(f"x{len(notes)}", "basis"))])

    gate = make_gate(tmp_path)
    publish_made(gate, store, made=made, alias="live", reason="", keep_notes=disturb)
    assert find(store, "gamma basis").keys() == {"late", "x0", "x1", "x2", "x3"}
    assert n_more < committing.MAX_TRIES


@pytest.mark.parametrize("seed", range(12))
def test_what_is_put_on_top_is_what_doing_it_again_would_give(store, seed):  # noqa: F811
    drawn = random.Random(seed)  # noqa: S311 - draws documents, not secrets
    names = drawn.sample([f"doc{number}" for number in range(12)], 12)

    def draw(among):
        chosen = drawn.sample(among, drawn.randrange(1, 5))
        groups = drawn.choice([(), ("rates",), ("rates", "credit")])
        texts = (" ".join(drawn.choices(["swap", "repo", "vega"], k=3)) for _ in chosen)
        documents = [
            note(name, text, known_from=drawn.randrange(500, 2_000), groups=groups)
            for name, text in zip(chosen, texts, strict=True)
        ]
        n_written = drawn.randrange(1, len(chosen) + 1)
        return write(*documents[:n_written], removed=tuple(chosen[n_written:]), now=9_000)

    commit(target(store), [write(*(note(name, "swap repo") for name in names[::2]))])
    ours, theirs = draw(names[:6]), draw(names[6:])
    made = branch(store, ours)
    commit(target(store), [theirs])
    joined = Rebase(store, made).put_onto(read_alias(Collection(store, NAME), "live").snapshot)
    commit(target(store), [ours])
    assert show_rows(store, joined.snapshot_id) == show_rows(store, "live")
