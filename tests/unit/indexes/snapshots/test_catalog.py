from __future__ import annotations

from dataclasses import replace

import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import SnapshotManifest, encode_manifest
from eagleray.digests import digest_bytes
from eagleray.errors import InputError, IntegrityError, NotPublishedError
from indexes.snapshots.aliases import AliasMove, move_alias
from indexes.snapshots.catalog import (
    list_snapshots,
    load_collection,
    load_snapshot,
    put_collection,
    put_snapshot,
    resolve,
)
from indexes.storage.local import LocalStore
from tests.small_collections import SPEC

EMPTY = SnapshotManifest(
    collection=SPEC, segments=(), patches=(), parent=None, n_rows=0, n_documents=0, attributes={}
)


@pytest.fixture
def store(tmp_path):
    store = LocalStore(tmp_path)
    put_collection(store, SPEC)
    return store


def test_a_spec_is_written_once_and_read_back(store):
    put_collection(store, SPEC)
    assert load_collection(Collection(store, "notes")) == SPEC
    other = replace(SPEC, chunker=replace(SPEC.chunker, rules=2))
    with pytest.raises(InputError, match="another embedder or chunker"):
        put_collection(store, other)
    assert load_collection(Collection(store, "notes")) == SPEC


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (replace(SPEC, embedder=replace(SPEC.embedder, name="x")), "the embedder random, not x"),
        (
            replace(SPEC, embedder=replace(SPEC.embedder, weights="1" * 64)),
            "other files of the embedder random",
        ),
        (replace(SPEC, chunker=replace(SPEC.chunker, tokenizer="1" * 64)), "another tokenizer"),
        (replace(SPEC, chunker=replace(SPEC.chunker, target_tokens=9)), "target_tokens 230, not 9"),
    ],
)
def test_a_collection_says_what_it_was_made_with(store, other, told):
    with pytest.raises(InputError, match=f"was made with another embedder or chunker: {told}; use the same"):
        put_collection(store, other)


def test_a_collection_that_is_not_there_says_so(store):
    with pytest.raises(NotPublishedError, match="no such collection"):
        load_collection(Collection(store, "memos"))


def test_a_snapshot_is_named_by_its_bytes(store):
    snapshot = put_snapshot(store, EMPTY)
    assert snapshot == put_snapshot(store, EMPTY) == EMPTY.snapshot_id
    assert snapshot == digest_bytes(store.read(f"notes/snapshots/{snapshot}.json"))
    assert load_snapshot(Collection(store, "notes"), snapshot) == EMPTY


def test_a_damaged_snapshot_is_neither_loaded_nor_taken_for_written(store):
    snapshot = put_snapshot(store, EMPTY)
    store.write(f"notes/snapshots/{snapshot}.json", encode_manifest(EMPTY) + b" ")
    with pytest.raises(IntegrityError, match=snapshot):
        load_snapshot(Collection(store, "notes"), snapshot)
    with pytest.raises(IntegrityError, match=snapshot):
        put_snapshot(store, EMPTY)


def test_a_snapshot_of_another_collection_is_an_integrity_error(store):
    foreign = replace(EMPTY, collection=replace(SPEC, name="memos"))
    store.write(f"notes/snapshots/{foreign.snapshot_id}.json", encode_manifest(foreign))
    with pytest.raises(IntegrityError, match="one of memos"):
        load_snapshot(Collection(store, "notes"), foreign.snapshot_id)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"segments": ("x",)}, "SHA-256 digests as segments"),
        ({"segments": ("ab" * 32,) * 2}, "distinct segments"),
        ({"patches": ("../x",)}, "SHA-256 digests as patches"),
        ({"parent": "x"}, "a SHA-256 digest as parent"),
    ],
)
def test_a_manifest_names_nothing_but_distinct_digests(store, change, expected):
    manifest = replace(EMPTY, **change)
    store.write(f"notes/snapshots/{manifest.snapshot_id}.json", encode_manifest(manifest))
    with pytest.raises(IntegrityError, match=expected):
        load_snapshot(Collection(store, "notes"), manifest.snapshot_id)


def put_two(store):
    return [put_snapshot(store, replace(EMPTY, watermarks={"stream": str(number)})) for number in (1, 2)]


def test_snapshots_are_listed_without_what_lies_beside_them(store):
    snapshots = put_two(store)
    store.write(f"notes/snapshots/{snapshots[0]}.gate.json", b"{}")
    assert {entry.snapshot for entry in list_snapshots(Collection(store, "notes"))} == set(snapshots)


def test_an_alias_an_id_and_its_beginning_name_a_snapshot(store):
    first, second = put_two(store)
    move = AliasMove(expected=None, snapshot=second, reason="publish", now=1)
    move_alias(Collection(store, "notes"), "live", move=move)
    assert resolve(Collection(store, "notes"), "live") == second
    assert resolve(Collection(store, "notes"), first) == first
    assert resolve(Collection(store, "notes"), first[:8]) == first


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lvie", "did you mean live"),
        ("zzz", "it has live"),
        ("0" * 64, "no alias or snapshot"),
        ("../x", "it has"),
    ],
)
def test_a_name_nobody_has_says_what_there_is(store, name, message):
    snapshot = put_snapshot(store, EMPTY)
    move = AliasMove(expected=None, snapshot=snapshot, reason="publish", now=1)
    move_alias(Collection(store, "notes"), "live", move=move)
    with pytest.raises(NotPublishedError, match=message):
        resolve(Collection(store, "notes"), name)


def test_a_short_or_ambiguous_beginning_is_no_name(store):
    snapshot = put_snapshot(store, EMPTY)
    told = f"give at least 8 digits of an id, such as {snapshot[:8]}: '{snapshot[:7]}' has 7"
    with pytest.raises(NotPublishedError, match=told):
        resolve(Collection(store, "notes"), snapshot[:7])
    with pytest.raises(NotPublishedError):
        resolve(Collection(store, "notes"), "0" * 8)
    twin = snapshot[:12] + ("1" if snapshot[12] == "0" else "0") * 52
    store.write(f"notes/snapshots/{twin}.json", b"{}")
    with pytest.raises(NotPublishedError, match="2 snapshots"):
        resolve(Collection(store, "notes"), snapshot[:8])
    assert resolve(Collection(store, "notes"), snapshot[:13]) == snapshot


def test_an_unknown_collection_is_named_rather_than_the_snapshot(tmp_path):
    with pytest.raises(NotPublishedError, match="no such collection"):
        resolve(Collection(LocalStore(tmp_path), "memos"), "live")
