from __future__ import annotations

import json
import os
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from eagleray.cli import main
from eagleray.errors import AuthenticationError, InputError


class Server:
    """Takes documents, but none with an attribute that is refused."""

    def __init__(self):
        self.written = {}
        self.failure = None

    def upsert(self, documents, *, wait_s):
        if self.failure:
            raise self.failure
        if any("refused" in document["attributes"] for document in documents):
            raise InputError(detail="documents.0: refused is no attribute here")
        self.written |= {document["doc_id"]: document for document in documents}
        return SimpleNamespace(n_written=len(documents), snapshot="s", is_searchable=True)


@pytest.fixture
def server(monkeypatch):
    made = Server()

    @contextmanager
    def open_client(*_, **__):
        yield made

    monkeypatch.setattr("eagleray.cli.upload.open_client", open_client)
    return made


def upload(capsys, *files):
    """Return the exit code and the report of an upload."""
    with pytest.raises(SystemExit) as ended:
        main(["upload", *map(str, files), "--url", "http://127.0.0.1:1", "--json"])
    return ended.value.code, json.loads(capsys.readouterr().out)


def test_what_cannot_be_read_or_is_refused_keeps_nothing_else_from_being_written(server, capsys, tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "loop.txt").symlink_to("loop.txt")
    (tmp_path / "good.txt").write_text("good")
    rows = [
        {"_id": "a", "text": "first"},
        {"_id": "b", "text": "refused", "metadata": {"refused": 1}},
        {"_id": "c", "text": "ended", "known_from": "2019-01-01", "known_to": "2020-01-01"},
        {"_id": "d", "text": "last"},
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    names = ("pipe.txt", "folder.txt", "loop.txt", "none.txt", "rows.jsonl", "good.txt")
    code, report = upload(capsys, *(tmp_path / name for name in names))
    assert code == 2
    assert set(server.written) == {"a", "d", "good.txt"}
    assert report["written"] == 3
    faults = {fault["source"]: fault["detail"] for fault in report["faults"]}
    assert set(faults) == {"pipe.txt", "folder.txt", "loop.txt", "none.txt", "rows.jsonl", "b"}
    assert "pipe or device" in faults["pipe.txt"]
    assert "No such file" in faults["none.txt"]
    assert "known_to" in faults["rows.jsonl"]


def test_a_second_file_of_the_same_name_does_not_replace_the_first(server, capsys, tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "notes.txt").write_text(folder)
    code, report = upload(capsys, tmp_path / "one" / "notes.txt", tmp_path / "two" / "notes.txt")
    assert code == 2
    assert "came before it" in report["faults"][0]["detail"]
    assert "one" in json.dumps(server.written["notes.txt"])


def test_who_may_not_write_is_told_once(server, capsys, tmp_path):
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b.txt").write_text("b")
    server.failure = AuthenticationError()
    code, report = upload(capsys, tmp_path / "a.txt", tmp_path / "b.txt")
    assert code == 2
    assert report["error"]["type"] == "AuthenticationError"
