"""Files and documents written to a serving process by the command line and the Python clients."""

from __future__ import annotations

import asyncio
import json

import pytest

import eagleray
from benchmarks.serving_process import run_server
from eagleray.contracts.callers import Role
from eagleray.contracts.services import KeyRequest
from eagleray.errors import EagleRayError, ForbiddenError, QueryError
from serve.identity.key_service import StoredKeyService
from tests.integration.cut_runs import NOTES, ingest, write_lines

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

KEYS = {"EAGLERAY_AUTH__API_KEYS": "true", "EAGLERAY_LOG__LEVEL": "error"}


@pytest.fixture
def served(cluster, settings, tmp_path):
    """URL of a server over the notes, and a way to make keys for it."""
    ingest(settings, write_lines(tmp_path / "desk" / "notes.jsonl", NOTES))

    def make_key(*roles, groups=()):
        request = KeyRequest(subject="desk", roles=frozenset(roles), groups=frozenset(groups), zones=None)
        return StoredKeyService(settings).create(request)["key"]

    with run_server(settings, options=(), env=KEYS) as url:
        yield url, make_key


def find(client, query):
    return {hit.doc_id for hit in client.search(query, mode="lexical", k=50).hits}


def test_clients_write_and_remove_documents(served):
    url, make_key = served
    key = make_key(Role.READER, Role.WRITER)
    with eagleray.connect(url, collection="notes", api_key=key) as notes:
        written = notes.upsert([{"doc_id": "z1", "title": "Zebra", "text": "A zebra bond."}])
        assert (written.n_written, written.n_removed) == (1, 0)
        assert written.is_searchable
        answer = notes.search("zebra", mode="lexical")
        assert [hit.doc_id for hit in answer.hits] == ["z1"]
        assert answer.explanation.snapshot == written.snapshot
        with pytest.raises(EagleRayError):
            notes.upsert([{"doc_id": "z2", "text": "fine"}, {"doc_id": "z3"}])
        assert find(notes, "fine") == set()

    async def remove():
        async with eagleray.connect_async(url, collection="notes", api_key=key) as notes:
            at_once = await notes.upsert([{"doc_id": "z5", "text": "zebra"}], wait_s=0)
            with pytest.raises(QueryError, match="wait_s"):
                await notes.upsert([{"doc_id": "z6", "text": "zebra"}], wait_s=-1)
            removed = await notes.delete(["z1", "z5", "nothing"], wait_s=20)
            assert at_once.snapshot != removed.snapshot
            return removed

    removed = asyncio.run(remove())
    assert (removed.n_written, removed.n_removed) == (0, 3)
    with eagleray.connect(url, collection="notes", api_key=key) as notes:
        assert removed.is_searchable
        assert find(notes, "zebra") == set()
    with (
        eagleray.connect(url, collection="notes", api_key=make_key(Role.READER)) as notes,
        pytest.raises(ForbiddenError),
    ):
        notes.upsert([{"doc_id": "z4", "text": "no"}])


def test_files_are_uploaded_and_what_cannot_be_read_is_told(served, cli, tmp_path, monkeypatch):
    url, make_key = served
    monkeypatch.setenv("EAGLERAY_API_KEY", make_key(Role.READER, Role.WRITER, groups=["rates"]))
    page = tmp_path / "page.md"
    page.write_text("# Okapi\n\nAn okapi swap.\n\n## More\n\nIts coupon is 4.\n")
    lines = [{"_id": f"o{number}", "text": f"okapi line {number}"} for number in range(150)]
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(line) + "\n" for line in lines) + "{broken\n")
    ended = cli("upload", page, rows, "--url", url, "--collection", "notes", "--group", "rates", "--json")
    assert ended.code == 2, ended.err
    assert ended.shown["written"] == 151
    (fault,) = ended.shown["faults"]
    assert fault["source"] == "rows.jsonl"
    with eagleray.connect(url, collection="notes") as notes:
        assert ended.shown["is_searchable"] is True
        answer = notes.search("okapi", mode="lexical", k=500)
        assert len({hit.doc_id for hit in answer.hits}) == 151
        assert {hit.groups for hit in answer.hits} == {("rates",)}
        shown = notes.show_document("page.md")
        assert "An okapi swap." in " ".join(chunk.text for chunk in shown.chunks)
    with eagleray.connect(url, collection="notes", api_key=make_key(Role.READER)) as others:
        assert find(others, "okapi") == set()


def test_a_file_that_is_not_there_is_told(served, cli, tmp_path, monkeypatch):
    url, make_key = served
    monkeypatch.setenv("EAGLERAY_API_KEY", make_key(Role.WRITER))
    ended = cli("upload", tmp_path / "none.md", "--url", url, "--collection", "notes")
    assert ended.code == 2
    assert "none.md: No such file" in ended.err
