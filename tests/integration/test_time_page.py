"""The page on time, from its first command to its last, on the shared cluster and without a model."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.integration.test_tutorial import matches, run_block

PAGE = (Path(__file__).parents[2] / "docs" / "time.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(bash|text)\n(.*?)^```$", PAGE, re.S | re.M)
pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices


def test_the_example_runs_from_its_first_command_to_its_last(cluster, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in (("STORE", "store"), ("CACHE", "cache"), ("EMBEDDER__MODEL", "hashing")):
        monkeypatch.setenv(f"EAGLERAY_{name}", value)
    monkeypatch.setenv("EAGLERAY_JOBS__WORKERS", "2")
    found = ""
    for language, code in BLOCKS:
        if language == "text":
            assert matches(found, code), f"found:\n{found}\nthe page shows:\n{code}"
        else:
            found = run_block(language, code.replace("python ", f"{sys.executable} "))
