from __future__ import annotations

import json
import logging

import pytest

from eagleray.settings import Settings

ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'eagleray[ray]'")


@pytest.fixture(scope="session")
def cluster():
    ray.init(
        address="local", num_cpus=2, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False
    )
    yield
    ray.shutdown()


@pytest.fixture
def settings(tmp_path):
    return Settings(
        store=str(tmp_path / "store"),
        collection="notes",
        cache=str(tmp_path / "cache"),
        embedder={"model": "hashing"},
        jobs={"workers": 2},
    )


@pytest.fixture
def write_notes(tmp_path):
    """Write records as JSON Lines into a file of the source folder and return the folder."""

    def write(records, *, name="notes.jsonl"):
        folder = tmp_path / "desk"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("".join(json.dumps(record) + "\n" for record in records))
        return folder

    return write
