from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eagleray.cli.app import app

README = Path(__file__).parents[2] / "README.md"
pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices


def test_the_commands_for_ones_own_documents_run_one_after_the_other(
    cluster, write_notes, tmp_path, monkeypatch
):
    monkeypatch.setenv("EAGLERAY_EMBEDDER__MODEL", "hashing")
    monkeypatch.setenv("EAGLERAY_JOBS__WORKERS", "2")
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("known_from: {field: metadata.date}\n")
    note = {"_id": "a", "title": "A", "text": "The answer.", "metadata": {"date": "2022-01-14", "year": 2022}}
    later = {**note, "_id": "b", "metadata": {"date": "2022-02-17", "year": 2022}}
    given = {"FOLDER": write_notes([note, later]), "STORE": tmp_path / "store", "NAME": "desk"}
    block = re.search(r"Your own documents.*?```\n(.*?)```", README.read_text(), re.S)[1]
    shown = []
    for line in block.splitlines():
        words = [str(given.get(word, word)) for word in shlex.split(line)[1:]]
        words = [str(mapping) if word == "mapping.yaml" else word for word in words]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, (line, done.output, done.exception)
        shown.append(done.stdout)
    ingested, found, listed = shown
    assert "documents: 2 read, 0 set aside, 2 new" in ingested
    assert re.findall(r"notes\.jsonl#(\w)", found) == ["a"]
    assert "as of 2022-02-01T00:00:00Z: 1 chunks visible" in found
    assert "live" in listed
