"""Keys that S3 takes and obstore cannot name, beside those that it can."""

from __future__ import annotations

import pickle
import uuid

import boto3
import pytest
from botocore.config import Config

from eagleray.errors import StoreError
from indexes.storage.s3 import S3Store
from tests.servers import BUCKET

NAMED = [
    " s .txt",
    "a.txt",
    "a/b c+d%2F&<'\".txt",
    "a/b.txt",
    "back\\slash.txt",
    "nb\x85.txt",
    "ü.txt",
    "z.txt",
]
MARKERS = ["", "a/", "m/n/"]
UNNAMED = [
    "/lead.txt",
    "/",
    "./d.txt",
    "a//b.txt",
    "a/../c.txt",
    "del\x7f.txt",
    "e\x01.txt",
    "esc\x1b[2J.txt",
    "m//",
    "n/..",
    "r\r.txt",
    "t\t.txt",
]


@pytest.fixture
def put(s3_settings):
    client = boto3.client(
        "s3",
        endpoint_url=s3_settings.endpoint,
        aws_access_key_id=s3_settings.access_key_id.get_secret_value(),
        aws_secret_access_key=s3_settings.secret_access_key.get_secret_value(),
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}),
    )
    yield lambda key: client.put_object(Bucket=BUCKET, Key=key, Body=b"" if key.endswith("/") else b"text")
    client.close()


def list_both(store, prefix=""):
    unnamed = []
    return list(store.list(prefix, on_unlisted=unnamed.append)), unnamed


def test_what_has_a_name_is_listed_as_ever_and_what_has_none_is_told(put, s3_settings):
    root = f"{uuid.uuid4().hex}/a%b+c"
    for name in (*NAMED, *MARKERS):
        put(f"{root}/{name}")
    put(f"{root}-other/a//b.txt")
    store = pickle.loads(  # noqa: S301 - what this test pickled
        pickle.dumps(S3Store(BUCKET, root, s3_settings, shared=s3_settings.model_copy))
    )
    before, told = list_both(store)
    assert told == []
    for name in UNNAMED:
        put(f"{root}/{name}")
    after, told = list_both(store)
    assert after == before
    assert [item.path for item in after] == sorted((*NAMED, "", "a", "m/n"))
    assert sorted(told) == sorted(UNNAMED)
    assert all(store.read(name) == b"text" for name in NAMED)


def test_a_folder_is_listed_alone(put, s3_settings):
    root = uuid.uuid4().hex
    for name in (*NAMED, *MARKERS, *UNNAMED):
        put(f"{root}/{name}")
    listed, told = list_both(S3Store(BUCKET, root, s3_settings), "a")
    assert [item.path for item in listed] == ["a", "a/b c+d%2F&<'\".txt", "a/b.txt"]
    assert sorted(told) == ["a/../c.txt", "a//b.txt"]


def test_no_key_of_several_pages_is_lost(put, s3_settings):
    root = uuid.uuid4().hex
    names = [f"{i:04d}.txt" for i in range(2_300)]
    for name in (*names, "1//a.txt", "2299//b.txt"):
        put(f"{root}/{name}")
    listed, told = list_both(S3Store(BUCKET, root, s3_settings))
    assert [item.path for item in listed] == names
    assert sorted(told) == ["1//a.txt", "2299//b.txt"]


def test_who_does_not_ask_for_such_keys_is_refused_with_the_first(put, s3_settings):
    root = uuid.uuid4().hex
    put(f"{root}/x//b.txt")
    with pytest.raises(StoreError, match=f"{root}/x//b.txt.*move it out of the prefix"):
        list(S3Store(BUCKET, root, s3_settings).list(""))


def test_without_keys_in_the_settings_the_error_says_what_to_do(put, s3_settings, monkeypatch):
    root = uuid.uuid4().hex
    put(f"{root}/x//b.txt")
    monkeypatch.setattr("indexes.storage.s3.find_signer", lambda _: None)
    with pytest.raises(StoreError, match="x//b.txt.*EAGLERAY_S3__SECRET_ACCESS_KEY are set"):
        list_both(S3Store(BUCKET, root, s3_settings))
