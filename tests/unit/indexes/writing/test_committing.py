from __future__ import annotations

import itertools
import logging
import threading

import pytest

from eagleray.chunking.token_counters import HuggingFaceCounter
from eagleray.contracts.collections import Collection
from eagleray.contracts.documents import Document
from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.manifests import ChunkerIdentity, CollectionSpec, SnapshotManifest
from eagleray.contracts.sources import StreamMove
from eagleray.embedders import find_tokenizer
from eagleray.embedders.hashing import HashingEmbedder
from eagleray.errors import ReusedKeyError, StoreError, StreamMovedError
from eagleray.settings import Settings
from indexes.evaluation.budgets import Budgets
from indexes.gating import SnapshotGate
from indexes.searching.searcher import Searcher
from indexes.snapshots.aliases import AliasMove, alias_history, move_alias, read_alias
from indexes.snapshots.catalog import load_snapshot, put_collection, put_snapshot
from indexes.snapshots.opened import open_snapshot
from indexes.snapshots.positions import read_positions, write_positions
from indexes.snapshots.streams import read_stream_position
from indexes.storage import open_store
from indexes.writing import committing
from indexes.writing.committing import Writable, commit
from indexes.writing.document_chunker import choose_chunker, make_rows
from indexes.writing.requests import Begun, Write, begin_write, free_key, name_request

NAME = "notes"
EMBEDDER = HashingEmbedder()
COUNTER = HuggingFaceCounter(find_tokenizer(Settings().embedder))
SPEC = CollectionSpec(
    name=NAME,
    embedder=EMBEDDER.identity.model,
    chunker=ChunkerIdentity(tokenizer="0" * 64, max_tokens=64, target_tokens=40, overlap_tokens=8, rules=1),
)
numbers = itertools.count(1)


@pytest.fixture
def store(tmp_path):
    """A store with an empty collection, published."""
    found = open_store(tmp_path / "store")
    put_collection(found, SPEC)
    empty = SnapshotManifest(
        collection=SPEC, segments=(), patches=(), parent=None, n_rows=0, n_documents=0, attributes={}
    )
    snapshot = put_snapshot(found, empty)
    move_alias(
        Collection(found, NAME),
        "live",
        move=AliasMove(expected=None, snapshot=snapshot, reason="publish", now=1),
    )
    return found


def target(store):
    return Writable(
        store=store,
        spec=SPEC,
        alias="live",
        embedder=EMBEDDER,
        counter=COUNTER,
        open_snapshot=lambda snapshot: open_snapshot(Collection(store, NAME), snapshot),
    )


def note(doc_id, text, *, known_from=1_000, **more):
    return Document(doc_id=doc_id, title="", text=text, known_from=known_from, **more)


def write(*documents, removed=(), now=2_000):
    return Write(begun=Begun(name=f"w{next(numbers)}", now=now), documents=documents, removed=removed)


def keyed(store, key, *documents, digest="d", now=2_000):
    begun = begin_write(Collection(store, NAME), alias="live", key=key, digest=digest, now=now)
    return Write(begun=begun, documents=documents)


def find(store, query, as_of=None):
    """Return doc_id -> text of what a search finds now, or as of a time."""
    opened = open_snapshot(Collection(store, NAME), "live")
    searcher = Searcher(opened.snapshot_id, opened.segments, embedder=EMBEDDER)
    request = SearchRequest(query=query, k=100, mode=SearchMode.LEXICAL, as_of=as_of)
    return {hit.doc_id: hit.text for hit in searcher.search(request).hits}


def count_moves(store):
    return read_alias(Collection(store, NAME), "live").sequence


def test_what_was_written_is_found_and_passes_the_whole_gate(store, tmp_path):
    asked = write(note("a", "swap curve"), note("b", "repo haircut", zone="other", attributes={"year": 2020}))
    (snapshot,) = commit(target(store), [asked]).values()
    commit(target(store), [write(note("a", "swap spread", known_from=1_500)), write(note("c", "gamma vega"))])
    commit(target(store), [write(removed=("b",), now=3_000)])
    assert find(store, "swap repo gamma") == {"a": "swap spread", "c": "gamma vega"}
    assert find(store, "swap repo gamma", as_of=1_200) == {
        "a": "swap curve",
        "b": "repo haircut",
        "c": "gamma vega",
    }
    manifest = load_snapshot(Collection(store, NAME), read_alias(Collection(store, NAME), "live").snapshot)
    assert (manifest.n_documents, len(manifest.segments)) == (2, 3)
    gate = SnapshotGate(cache=tmp_path / "cache", budgets=Budgets())
    assert gate.try_snapshot(store, manifest).passed
    assert load_snapshot(Collection(store, NAME), snapshot).n_documents == 2


def test_rows_have_the_ids_and_vectors_that_a_job_gives_them(store):
    document = note("a", "swap curve. " * 80)
    commit(target(store), [write(document)])
    wanted = make_rows(
        document,
        position="",
        counter=COUNTER,
        chunker=choose_chunker(SPEC.chunker),
        chunker_digest=SPEC.chunker_digest,
    )
    (view,) = open_snapshot(Collection(store, NAME), "live").segments
    ids = wanted["chunk_id"].to_pylist()
    assert len(ids) > 3
    assert sorted(view.chunk_ids.tolist()) == sorted(ids)
    vectors = EMBEDDER.embed_passages(wanted["text"].to_pylist())
    by_id = dict(zip(view.chunk_ids.tolist(), view.vectors, strict=True))
    for chunk_id, vector in zip(ids, vectors, strict=True):
        assert by_id[chunk_id].tobytes() == vector.tobytes()


def describe_rows(store):
    """Return what the published snapshot is made of."""
    manifest = load_snapshot(Collection(store, NAME), read_alias(Collection(store, NAME), "live").snapshot)
    return manifest.segments, manifest.patches, manifest.n_rows, manifest.n_documents


def test_the_move_of_a_write_is_logged_with_its_requests(store, caplog):
    first = write(note("a", "Swap."))
    with caplog.at_level(logging.INFO):
        commit(target(store), [first])
    (event,) = [record.msg for record in caplog.records if record.msg["event"] == "alias_moved"]
    assert event["snapshot"] == read_alias(Collection(store, NAME), "live").snapshot
    assert event["reason"] == f"write {first.begun.name}"


@pytest.mark.parametrize(
    "again", [{"documents": (note("a", "swap", known_from=1_700),)}, {"removed": ("nobody",)}]
)
def test_a_write_that_changes_nothing_is_answered_as_any_other(store, again):
    first = commit(target(store), [write(note("a", "swap"))])
    rows = describe_rows(store)
    answers = [
        list(commit(target(store), [Write(begun=Begun(name=name, now=2_000), **again)]).values())
        for name in "xy"
    ]
    assert len({*first.values(), *answers[0], *answers[1]}) == 3
    assert (describe_rows(store), count_moves(store)) == (rows, 4)
    assert find(store, "swap") == {"a": "swap"}


def test_a_document_that_was_removed_can_come_back(store):
    commit(target(store), [write(note("a", "swap"))])
    commit(target(store), [write(removed=("a",), now=3_000)])
    assert find(store, "swap") == {}
    commit(target(store), [write(note("a", "swap", known_from=4_000))])
    assert find(store, "swap") == {"a": "swap"}
    assert find(store, "swap", as_of=3_500) == {}


def test_what_a_job_knows_of_its_files_stays_known(store):
    first = read_alias(Collection(store, NAME), "live").snapshot
    write_positions(Collection(store, NAME), first, positions={"desk": {"a.jsonl": "mark"}})
    (snapshot,) = commit(target(store), [write(note("a", "swap"))]).values()
    assert read_positions(Collection(store, NAME), snapshot) == {"desk": {"a.jsonl": "mark"}}


def test_writers_beside_each_other_lose_nothing(store):
    def run(name):
        mine = target(store)
        for number in range(6):
            commit(mine, [write(note(f"{name}{number}", f"swap {name}{number}"))])

    threads = [threading.Thread(target=run, args=(name,)) for name in "xyz"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(find(store, "swap")) == {f"{name}{number}" for name in "xyz" for number in range(6)}
    assert len(alias_history(Collection(store, NAME), "live")) == 19


def test_the_same_key_writes_once_and_answers_the_same(store):
    first = commit(target(store), [keyed(store, "k", note("a", "swap"))])
    commit(target(store), [write(note("a", "repo", known_from=1_500))])
    again = commit(target(store), [keyed(store, "k", note("a", "swap"), now=9_000)])
    assert again == first
    assert find(store, "swap repo") == {"a": "repo"}
    with pytest.raises(ReusedKeyError, match="another body"):
        keyed(store, "k", note("b", "swap"), digest="other")


def test_a_crash_after_the_move_is_found_out_by_the_retry(store, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(committing, "finish_write", fail)
        with pytest.raises(StoreError):
            commit(target(store), [keyed(store, "k", note("a", "swap"))])
    written = read_alias(Collection(store, NAME), "live").snapshot
    commit(target(store), [write(note("a", "repo", known_from=1_500))])
    assert commit(target(store), [keyed(store, "k", note("a", "swap"))]) == {name_request("k", "d"): written}
    assert count_moves(store) == 3
    assert find(store, "swap repo") == {"a": "repo"}


def test_a_crash_before_the_move_leaves_nothing_and_the_retry_completes_it(store, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(committing, "move_alias", fail)
        with pytest.raises(StoreError):
            commit(target(store), [keyed(store, "k", note("a", "swap"))])
    assert find(store, "swap") == {}
    commit(target(store), [keyed(store, "k", note("a", "swap"), now=9_000)])
    assert find(store, "swap") == {"a": "swap"}


def fail(*given, **named):
    raise StoreError(path="x", detail="the process died")


def test_a_key_that_was_given_free_takes_another_request_and_one_that_was_used_is_kept(store):
    refused = keyed(store, "k", note("a", "swap"), digest="refused")
    free_key(Collection(store, NAME), alias="live", begun=refused.begun)
    free_key(Collection(store, NAME), alias="live", begun=refused.begun)
    commit(target(store), [keyed(store, "k", note("a", "repo"), digest="right")])
    free_key(Collection(store, NAME), alias="live", begun=refused.begun)
    with pytest.raises(ReusedKeyError):
        keyed(store, "k", note("a", "swap"), digest="refused")
    right = keyed(store, "k", note("a", "repo"), digest="right")
    free_key(Collection(store, NAME), alias="live", begun=right.begun)
    with pytest.raises(ReusedKeyError):
        keyed(store, "k", note("a", "swap"), digest="other")
    assert find(store, "repo") == {"a": "repo"}


def test_a_request_that_another_with_its_key_overtook_is_not_taken_for_it(store):
    one = keyed(store, "k", note("a", "swap"), digest="one")
    free_key(Collection(store, NAME), alias="live", begun=one.begun)
    other = keyed(store, "k", note("a", "repo"), digest="other", now=3_000)
    commit(target(store), [one])
    commit(target(store), [other])
    assert find(store, "repo") == {"a": "repo"}


def test_a_document_goes_into_a_group_and_out_again_and_again(store):
    for groups in [(), ("desk",), (), ("desk",), ()]:
        commit(target(store), [write(note("a", "swap", groups=groups))])
        assert find(store, "swap") == ({} if groups else {"a": "swap"})


def move_trades(expected, position):
    return StreamMove(stream="trades", expected=expected, position=position)


def read_trades(store):
    return read_stream_position(open_snapshot(Collection(store, NAME), "live").manifest, "trades")


def test_offsets_move_in_the_snapshot_that_has_their_rows(store):
    commit(target(store), [write(note("a", "swap curve"))], moves=[move_trades({}, {"0": "5"})])
    assert (read_trades(store), find(store, "swap")) == ({"0": "5"}, {"a": "swap curve"})
    commit(target(store), [write(note("b", "repo"))])
    assert read_trades(store) == {"0": "5"}
    commit(target(store), [], moves=[move_trades({"0": "5"}, {"0": "9"})])
    assert (read_trades(store), set(find(store, "swap repo"))) == ({"0": "9"}, {"a", "b"})


def test_of_a_writer_that_another_one_overtook_neither_rows_nor_offsets_are_taken(store):
    commit(target(store), [write(note("a", "swap curve"))], moves=[move_trades({}, {"0": "5"})])
    n_moves = count_moves(store)
    with pytest.raises(StreamMovedError, match='found {"0":"5"}'):
        commit(target(store), [write(note("b", "repo"))], moves=[move_trades({"0": "4"}, {"0": "6"})])
    assert (count_moves(store), read_trades(store)) == (n_moves, {"0": "5"})
    assert find(store, "swap repo") == {"a": "swap curve"}


def test_a_writer_that_is_overtaken_while_it_works_is_refused_at_the_alias(store, monkeypatch):
    rival = [write(note("b", "repo"))]

    def overtake(*arguments, **more):
        if rival:
            commit(target(store), [rival.pop()], moves=[move_trades({}, {"0": "1"})])
        return move_alias(*arguments, **more)

    monkeypatch.setattr(committing, "move_alias", overtake)
    with pytest.raises(StreamMovedError):
        commit(target(store), [write(note("a", "swap"))], moves=[move_trades({}, {"0": "2"})])
    assert (read_trades(store), find(store, "swap repo")) == ({"0": "1"}, {"b": "repo"})


def test_a_request_that_is_sent_again_after_it_was_carried_out_moves_nothing_twice(store):
    asked, moves = keyed(store, "k", note("a", "swap")), [move_trades({}, {"0": "5"})]
    first = commit(target(store), [asked], moves=moves)
    assert commit(target(store), [keyed(store, "k", note("a", "swap"))], moves=moves) == first
    assert read_trades(store) == {"0": "5"}
