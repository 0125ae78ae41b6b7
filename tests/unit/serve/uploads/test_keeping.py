from __future__ import annotations

from dataclasses import replace

import pytest

from eagleray.digests import digest_bytes
from eagleray.errors import IntegrityError, NotPublishedError
from indexes.storage import open_store
from serve.uploads.keeping import OwnRecords, list_owners
from serve.uploads.records import (
    BatchRecord,
    FileRecord,
    StoreRecord,
    StoreTerms,
    make_name,
    read_clock,
)

DAY_US = 86_400_000_000


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path)


@pytest.fixture
def own(store):
    return OwnRecords(store, "notes", subject="ann")


def make_file(data=b"x", created=1, **more):
    return FileRecord(
        file_id=make_name("file-"),
        created=created,
        filename="a.md",
        purpose="assistants",
        n_bytes=len(data),
        sha256=digest_bytes(data),
        **more,
    )


def make_store(**terms):
    return StoreRecord(store_id=make_name("vs_"), created=read_clock(), terms=StoreTerms(**terms))


def test_records_come_back_as_they_were_in_the_order_they_were_made(own, store):
    files = [make_file(created=number) for number in (3, 1, 2)]
    for file in files:
        own.add_file(file, b"x")
        assert own.find_file(file.file_id) == file
    assert own.list_files() == sorted(files, key=lambda file: file.created)
    assert own.delete_file(files[0].file_id)
    assert not own.delete_file(files[0].file_id)
    assert len(own.list_files()) == 2
    kept = make_store(name="desk", metadata={"a": "b"}, n_days=3)
    own.add_store(kept)
    assert own.find_store(kept.store_id) == kept
    batch = BatchRecord(store_id=kept.store_id, batch_id=make_name("vsfb_"), created=1)
    own.add_batch(batch)
    own.cancel_batch(batch)
    assert own.find_batch(batch.store_id, batch.batch_id) == replace(batch, is_cancelled=True)
    assert [OwnRecords(store, "notes", owner=name).list_stores() for name in list_owners(store, "notes")] == [
        [kept]
    ]


def test_another_subject_meets_nothing_and_no_name_leads_out_of_the_folder(own, store):
    file, other = make_file(), OwnRecords(store, "notes", subject="ben")
    own.add_file(file, b"x")
    folder = next(item.path for item in store.list("notes/uploads")).split("/")[2]
    assert other.list_files() == []
    for name in (file.file_id, f"../{folder}/files/{file.file_id}", f"/{folder}", "..", ""):
        with pytest.raises(NotPublishedError):
            other.find_file(name)
        assert not other.delete_file(name)
        with pytest.raises(NotPublishedError):
            other.find_store(name)
        assert not other.delete_store(name)
    assert own.read_content(file) == b"x"


def test_damage_is_told(own, store):
    file = make_file(b"text")
    own.add_file(file, b"text")
    assert own.read_content(file) == b"text"
    own.add_file(file, b"tent")
    with pytest.raises(IntegrityError):
        own.read_content(file)
    (path,) = [item.path for item in store.list("notes/uploads") if item.path.endswith(".json")]
    for damaged in (b"{}", b"[]", b"x"):
        store.write(path, damaged)
        with pytest.raises(IntegrityError):
            own.find_file(file.file_id)


def test_no_late_write_brings_back_what_was_deleted(own):
    kept = make_store()
    own.add_store(kept)
    assert own.delete_store(kept.store_id)
    own.put_terms(kept.store_id, StoreTerms(name="late"))
    own.touch_store(kept)
    assert not own.has_store(kept.store_id)
    assert own.list_stores() == []


def test_what_was_not_used_for_too_long_has_expired_for_good(own):
    kept = make_store(n_days=2)
    own.add_store(replace(kept, created=read_clock() - 3 * DAY_US))
    assert own.find_store(kept.store_id).is_expired
    with pytest.raises(NotPublishedError, match="expired"):
        own.find_store(kept.store_id, is_expired=False)
    own.put_terms(kept.store_id, StoreTerms(n_days=300))
    own.touch_store(kept)
    assert own.find_store(kept.store_id).is_expired
    used = make_store(n_days=2)
    own.add_store(replace(used, created=read_clock() - 3 * DAY_US))
    own.touch_store(used)
    assert own.has_store(used.store_id)


def test_a_file_goes_when_its_time_is_up(own):
    now = read_clock()
    gone, kept = make_file(expires=now - 1), make_file(expires=now + DAY_US)
    for file in (gone, kept):
        own.add_file(file, b"x")
    assert not own.has_file(gone.file_id)
    assert own.list_files() == [kept]
