from __future__ import annotations

import pytest

from eagleray.digests import digest_bytes
from eagleray.errors import IntegrityError, NotPublishedError
from indexes.storage import open_store
from serve.uploads.keeping import OwnRecords
from serve.uploads.records import BatchRecord, FileRecord, StoreRecord, make_name


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path)


def make_file(data=b"x", created=1):
    return FileRecord(
        file_id=make_name("file-"),
        created=created,
        filename="a.md",
        purpose="assistants",
        n_bytes=len(data),
        sha256=digest_bytes(data),
    )


def test_records_come_back_as_they_were_in_the_order_they_were_made(store):
    own = OwnRecords(store, "notes", subject="ann")
    files = [make_file(created=number) for number in (3, 1, 2)]
    batch = BatchRecord(
        store_id=make_name("vs_"), batch_id=make_name("vsfb_"), created=1, file_ids=(files[0].file_id,)
    )
    for record in (*files, batch, StoreRecord(store_id=batch.store_id, created=1, metadata={"a": "b"})):
        own.put(record)
        assert own.find(type(record), *record.names) == record
    assert own.list(FileRecord) == sorted(files, key=lambda file: file.created)
    own.remove(files[0])
    assert len(own.list(FileRecord)) == 2


def test_another_subject_meets_nothing_and_no_name_leads_out_of_the_folder(store):
    file = make_file()
    own, other = (OwnRecords(store, "notes", subject=name) for name in ("ann", "ben"))
    own.put(file)
    folder = next(item.path for item in store.list("notes/uploads")).removesuffix(".json")
    assert other.list(FileRecord) == []
    for name in (file.file_id, f"../{folder.split('/')[2]}/files/{file.file_id}", f"/{folder}", "..", ""):
        with pytest.raises(NotPublishedError):
            other.find(FileRecord, name)


def test_damage_is_told(store):
    file, own = make_file(b"text"), OwnRecords(store, "notes", subject="ann")
    own.put(file)
    own.put_content(file.file_id, b"text")
    assert own.read_content(file) == b"text"
    own.put_content(file.file_id, b"tent")
    with pytest.raises(IntegrityError):
        own.read_content(file)
    (path,) = [item.path for item in store.list("notes/uploads") if item.path.endswith(".json")]
    store.write(path, b"{}")
    with pytest.raises(IntegrityError):
        own.find(FileRecord, file.file_id)
