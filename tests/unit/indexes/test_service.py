from __future__ import annotations

import logging

import pytest

from eagleray.errors import GateError
from eagleray.logs import NAME
from eagleray.settings import Settings
from indexes.service import LocalIndexService
from indexes.storage import open_store
from tests.small_collections import SPEC, put_small_snapshot


def test_a_snapshot_that_fails_its_gate_is_logged_with_the_checks_and_moves_no_alias(tmp_path, caplog):
    settings = Settings(store=str(tmp_path), collection=SPEC.name)
    snapshot = put_small_snapshot(open_store(tmp_path))
    path = next(tmp_path.rglob("vectors.npy"))
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with caplog.at_level(logging.INFO, logger=NAME), pytest.raises(GateError):
        LocalIndexService(settings).publish(snapshot=snapshot, alias="live")
    (event,) = [record.msg for record in caplog.records if record.name == NAME]
    assert (event["event"], event["level"], event["snapshot"]) == ("gate_failed", "warning", snapshot)
    assert "digests" in event["failed"]
