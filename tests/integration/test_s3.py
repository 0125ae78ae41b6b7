from __future__ import annotations

import json
import os
import shutil
from contextlib import closing

import boto3
import pytest

from indexes.storage import open_store
from tests.servers import BUCKET, run_s3_server

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}


@pytest.fixture
def bucket(cli, monkeypatch):
    """Make an S3 server the settings' own, the store `s3://…/store`, and give the source's store."""
    with run_s3_server() as access:
        shown = access.model_dump()
        for name in ("endpoint", "allow_http", "timeout_s"):
            monkeypatch.setenv(f"EAGLERAY_S3__{name.upper()}", str(shown[name]))
        for name in ("access_key_id", "secret_access_key"):
            monkeypatch.setenv(f"EAGLERAY_S3__{name.upper()}", shown[name].get_secret_value())
        monkeypatch.setenv("EAGLERAY_STORE", f"s3://{BUCKET}/store")
        yield open_store(f"s3://{BUCKET}/desk", s3=access)


def put_notes(bucket, texts):
    lines = [
        json.dumps({"_id": name, "text": text, "known_from": "2020-01-01T00:00:00Z"})
        for name, text in texts.items()
    ]
    bucket.write("rates/notes.jsonl", "\n".join(lines).encode())


def find_texts(cli):
    answer = cli("search", "bond", "--json")
    assert answer.code == 0, answer.out
    return {hit["doc_id"]: hit["text"] for hit in answer.shown["hits"]}


def test_source_and_store_in_a_service_from_publication_to_rollback(cli, bucket, settings, tmp_path):
    source, cache = f"s3://{BUCKET}/desk", tmp_path / "cache"
    old = {"a": "A bond pays three per cent.", "b": "A bond pays four per cent."}
    put_notes(bucket, old)
    first = cli("ingest", source, "--json")
    assert (first.code, first.shown["documents_new"], first.shown["published"]) == (0, 2, 1), first.out
    segments = cli("snapshots", "show", "--json").shown["segments"]
    assert [path.name for path in cache.iterdir()] == segments, "the gate left what it fetched"

    again = cli("ingest", source, "--json")
    assert (again.code, again.shown["changed"], again.shown["snapshot"]) == (
        0,
        False,
        first.shown["snapshot"],
    )
    assert "nothing changed" in again.shown["message"]
    assert find_texts(cli) == old

    new = {"a": "A bond pays nothing any more.", "c": "A bond pays five per cent."}
    put_notes(bucket, new)
    second = cli("ingest", source, "--json")
    assert (second.code, second.shown["published"]) == (0, 2), second.out
    assert (second.shown["superseded"], second.shown["removed"]) == (1, 1)
    assert find_texts(cli) == new

    verified = cli("snapshots", "verify", "--json")
    assert (verified.code, verified.shown["findings"]) == (0, [])
    assert cli("snapshots", "rollback").code == 0
    assert find_texts(cli) == old
    shutil.rmtree(cache)
    assert find_texts(cli) == old


def test_keys_that_have_no_name_are_counted_and_everything_else_is_ingested(cli, bucket):
    texts = {"a": "A bond pays three per cent.", "b": "A bond pays four per cent."}
    put_notes(bucket, texts)
    bucket.write("twin.jsonl", json.dumps({"_id": "c", "text": "A bond pays five per cent."}).encode())
    keys = ("", "n/o/", "x//b.txt", "y/../c.txt", "e\x01.txt", "m/", "twin.jsonl/")
    with closing(boto3.client("s3", endpoint_url=os.environ["EAGLERAY_S3__ENDPOINT"], **KEYS)) as client:
        for key in keys:
            body = b"" if key.endswith("/") or not key else b"text"
            client.put_object(Bucket=BUCKET, Key=f"desk/{key}", Body=body)
    report = cli("ingest", f"s3://{BUCKET}/desk", "--json")
    assert (report.code, report.shown["documents_new"]) == (0, 3), report.out
    assert report.shown["passed_over"] == {"folder_markers": 3, "unnameable_keys": 3}
    refused = cli("ingest", f"s3://{BUCKET}/desk//x")
    assert (refused.code, "name another prefix" in refused.err) == (2, True)


def test_a_service_that_nobody_answers_for_is_an_error_with_exit_code_5(cli, monkeypatch):
    monkeypatch.setenv("EAGLERAY_STORE", f"s3://{BUCKET}/store")
    monkeypatch.setenv("EAGLERAY_S3__ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("EAGLERAY_S3__ALLOW_HTTP", "true")
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"EAGLERAY_S3__{name}", "test")
    failed = cli("snapshots", "list")
    assert (failed.code, failed.out) == (5, "")
    assert failed.err.count("\n") == 1
    assert "the service does not answer: check EAGLERAY_S3__ENDPOINT" in failed.err
