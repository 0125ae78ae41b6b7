from __future__ import annotations

import uuid

import pytest

from indexes.storage.local import LocalStore
from indexes.storage.s3 import S3Store
from tests.servers import BUCKET, run_s3_server


@pytest.fixture(scope="session")
def s3_settings():
    with run_s3_server() as settings:
        yield settings


@pytest.fixture(params=["local", "s3"])
def store(request, tmp_path):
    """An empty store of each kind."""
    if request.param == "local":
        return LocalStore(tmp_path / "store")
    settings = request.getfixturevalue("s3_settings")
    return S3Store(BUCKET, uuid.uuid4().hex, settings, shared=settings.model_copy)
