from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest.importorskip("ray", reason="ray is not installed: pip install 'eagleray[ray]'")


def test_what_ray_prints_in_the_driver_stays_off_standard_output(tmp_path):
    command = [sys.executable, "-m", "tests.integration.talking_job", "ingest", str(tmp_path), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert ended.returncode == 5, ended.stderr
    error = {"type": "StoreError", "path": "notes/a", "detail": "the disk is full"}
    assert json.loads(ended.stdout)["error"].items() >= error.items()
    assert "(raylet)" in ended.stderr
    assert "is very large" in ended.stderr
