from __future__ import annotations

from dataclasses import replace

import pytest

from indexes.storage import open_store
from serve.uploads.attachments import choose_findable, list_remains
from serve.uploads.keeping import OwnRecords
from serve.uploads.records import WRITING_US, Attached, make_attempt, make_name, read_clock

STORE, FILE = make_name("vs_"), make_name("file-")


@pytest.fixture
def held(tmp_path):
    return OwnRecords(open_store(tmp_path), "notes", subject="ann").attachments


def make(age_us=0, **more):
    created = read_clock() - age_us
    return Attached(
        **{
            "store_id": STORE,
            "file_id": FILE,
            "attempt": make_attempt(created),
            "created": created,
            "filename": "a.md",
            "n_bytes": 1,
            "max_tokens": 230,
            "overlap_tokens": 40,
            "attributes": {"year": 2024},
        }
        | more
    )


def judge(*attempts, stores=(STORE,), files=(FILE,)):
    return list_remains(attempts, stores=set(stores), files=set(files), now=read_clock())


def test_each_mark_is_read_back(held):
    attached = make()
    held.begin(attached)
    assert held.list_attempts() == [attached]
    assert held.is_wanted(attached)
    planned = held.plan(attached, 2)
    assert [item.rpartition("/")[2] for item in planned.doc_ids] == ["0", "1"]
    written = held.finish(planned, "a" * 64)
    assert held.list_attempts() == [written]
    changed = held.put_attributes(written, {"desk": "rates"})
    assert held.find(STORE, FILE) == changed
    held.close(changed)
    failed = held.fail(changed, "server_error", "because")
    assert held.list_attempts() == [replace(failed, is_closed=True)]
    held.remove(attached)
    assert not held.is_wanted(attached)
    assert held.list_shown(STORE, files={FILE}) == []
    held.erase([attached])
    assert held.list_attempts() == []


def test_an_attempt_that_is_cancelled_or_gone_is_not_wanted(held):
    attached, other = make(), make(file_id=make_name("file-"))
    for item in (attached, other):
        held.begin(item)
    held.cancel(attached)
    assert not held.is_wanted(attached)
    held.erase([other])
    assert not held.is_wanted(other)


def test_many_attempts_are_erased_by_one_look_at_their_vector_store(tmp_path):
    store = CountingStore(open_store(tmp_path))
    held = OwnRecords(store, "notes", owner="ann").attachments
    attempts = [make(file_id=make_name("file-")) for _ in range(20)]
    for item in attempts:
        held.begin(item)
        held.plan(item, 1)
        held.close(item)
    store.n_listed = 0
    held.erase(attempts[1:])
    assert store.n_listed == 1
    assert [item.file_id for item in held.list_attempts(STORE)] == [attempts[0].file_id]
    left = [
        item.path.rpartition("/")[2].rpartition(".")[2] for item in store.list("notes/uploads/ann/attached")
    ]
    assert left == ["begun", "closed", "planned-1"]


class CountingStore:
    """Counts how often something is listed."""

    def __init__(self, store):
        self._store, self.n_listed = store, 0

    def __getattr__(self, name):
        return getattr(self._store, name)

    def list(self, folder):
        self.n_listed += 1
        return self._store.list(folder)


def test_what_is_no_mark_of_an_attempt_is_passed_over(tmp_path):
    store = open_store(tmp_path)
    held = OwnRecords(store, "notes", owner="ann").attachments
    attached = make()
    held.begin(attached)
    for path in (f"{STORE}/{FILE}.json", f"{STORE}/a/b/c.d", "stray", f"{STORE}/{FILE}.1.begun"):
        store.write(f"notes/uploads/ann/attached/{path}", b"{}")
    assert held.list_attempts() == [attached]
    assert held.list_attempts(STORE) == [attached]


def test_what_is_written_beside_an_attempt_that_is_gone_is_seen_by_nobody_but_the_sweep(held):
    attached = make()
    held.begin(attached)
    held.erase([attached])
    held.plan(attached, 3)
    held.put_attributes(attached, {"late": True})
    assert held.list_shown(STORE, files={FILE}) == []
    (left,) = held.list_attempts()
    assert judge(left).to_close == (left,)
    assert len(left.doc_ids) == 3


def test_an_attempt_that_failed_does_not_hide_one_that_can_be_found(held):
    old, new = make(age_us=10, n_documents=1, snapshot="a"), make()
    for item in (old, new):
        held.begin(item)
    held.plan(old, 1)
    held.finish(old, "a")
    assert held.find(STORE, FILE).attempt == new.attempt
    held.fail(new, "invalid_file", "it holds no record")
    assert held.find(STORE, FILE).attempt == old.attempt
    assert [item.attempt for item in choose_findable(held.list_attempts(STORE))] == [old.attempt]


def test_only_what_nobody_may_find_remains_and_only_what_is_over_is_erased():
    written = make(n_documents=1, snapshot="a")
    assert judge(written).to_close == ()
    for stores, files in (((), (FILE,)), ((STORE,), ())):
        remains = judge(written, stores=stores, files=files)
        assert (remains.to_close, remains.to_erase) == ((written,), (written,))
    under_way = make(n_documents=1)
    assert judge(under_way).to_close == ()
    remains = judge(under_way, files=())
    assert (remains.to_close, remains.to_erase) == ((under_way,), ())
    left = make(age_us=WRITING_US, n_documents=1)
    remains = judge(left)
    assert (remains.to_close, remains.to_erase, remains.to_fail) == ((left,), (), (left,))
    older = make(age_us=60_000_000, n_documents=2, snapshot="a")
    remains = judge(older, written)
    assert (remains.to_close, remains.to_erase) == ((older,), (older,))
    cancelled = replace(written, is_cancelled=True)
    remains = judge(cancelled)
    assert (remains.to_close, remains.to_erase) == ((cancelled,), ())
    assert judge(replace(cancelled, is_closed=True)).to_close == ()
    assert judge(make(expires=1, n_documents=1, snapshot="a")).to_erase
