from __future__ import annotations

import pytest

from eagleray.errors import StoreError
from eagleray.testing import MemoryStore
from eagleray.testing.stores import StoreContract
from indexes.storage import open_store
from tests.servers import BUCKET


class TestStores(StoreContract):
    """Those of this project, local and on S3; the fixture `store` gives each."""

    def test_it_opens_from_its_own_url(self, store, request):
        store.write("a", b"1")
        s3 = request.getfixturevalue("s3_settings") if store.url.startswith("s3:") else None
        assert open_store(store.url, s3=s3).read("a") == b"1"

    def test_a_file_stands_behind_local_objects_only(self, store):
        store.write("a", b"1")
        assert (store.find_local("a") is not None) is store.url.startswith("file:")


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self):
        return MemoryStore()


def test_a_bucket_that_is_not_there_is_a_store_error(s3_settings):
    store = open_store("s3://nowhere/x", s3=s3_settings)
    with pytest.raises(StoreError):
        store.write("a", b"1")
    assert open_store(f"s3://{BUCKET}/x", s3=s3_settings).exists("a") is False
