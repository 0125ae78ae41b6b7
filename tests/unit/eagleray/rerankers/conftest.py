from __future__ import annotations

import json

import pytest

from tests.small_rerankers import write_cross_encoder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Return the folder of a tiny cross-encoder; tests must not change it."""
    return write_cross_encoder(tmp_path_factory.mktemp("cross-encoder") / "tiny")


@pytest.fixture
def copy_tiny(tiny, tmp_path):
    """Copy the tiny cross-encoder with other configuration values and without some files."""

    def copy(*, without=(), **config):
        folder = tmp_path / "copy"
        folder.mkdir()
        for path in tiny.iterdir():
            if path.name not in without:
                (folder / path.name).write_bytes(path.read_bytes())
        if config:
            changed = {**json.loads((folder / "config.json").read_text()), **config}
            (folder / "config.json").write_text(json.dumps(changed))
        return folder

    return copy
