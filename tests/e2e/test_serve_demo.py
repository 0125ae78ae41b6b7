"""`eagleray serve --demo` as a process: built from nothing, asked with its key, told to end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import httpx
import psutil
import pytest
from openai import OpenAI

from eagleray.settings import Settings
from serve.identity.key_service import StoredKeyService

QUESTION = {"query": "How many federal funds rate increases do we expect in 2022?", "k": 1}


def start(store, told):
    command = [sys.executable, "-m", "eagleray", "serve", "--demo", "--port", "0", "--json"]
    return subprocess.Popen([*command, "--store", str(store)], stdout=subprocess.PIPE, stderr=told, text=True)


def find_descendants(process):
    return psutil.Process(process.pid).children(recursive=True)


@pytest.fixture
def started(tmp_path):
    """Start the demo in an empty folder; what is left of it is ended with the test."""
    processes = []

    def run():
        told = (tmp_path / f"{len(processes)}.err").open("w+")
        process = start(tmp_path / "store", told)
        processes.append((process, told))
        line = process.stdout.readline()
        told.seek(0)
        assert line, told.read()
        return process, json.loads(line), told.read()

    yield run
    for process, told in processes:
        process.kill()
        process.wait(timeout=30)
        process.stdout.close()
        told.close()


def end(process):
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout=60)


def test_the_demo_is_built_served_to_its_key_and_ends_with_nothing_left(started, tmp_path):
    pytest.importorskip("ray", reason="ray is not installed: pip install 'eagleray[ray]'")
    process, shown, told = started()
    assert shown["collection"] == "sample"
    assert "building the demo" in told
    assert "built in" in told
    assert find_descendants(process) == []
    url, headers = f"{shown['url']}/collections/sample/search", {"authorization": f"Bearer {shown['key']}"}
    for day, words in (("2022-02-01", "once in 2022"), ("2022-02-18", "five times in 2022")):
        body = {**QUESTION, "as_of": day, "filter": 'desk = "rates"'}
        (hit,) = httpx.post(url, json=body, headers=headers, timeout=30).json()["hits"]
        assert words in hit["text"]
    assert httpx.post(url, json=QUESTION, timeout=30).status_code == 401
    with OpenAI(base_url=f"{shown['url']}/v1", api_key=shown["key"]) as client:
        model, *_ = client.models.list().data
        assert len(client.embeddings.create(model=model.id, input=["a note"]).data[0].embedding) == 384
    assert end(process) == 0

    again, second, told = started()
    assert "building" not in told
    assert second["key"] != shown["key"]
    assert (
        httpx.post(f"{second['url']}/collections/sample/search", json=QUESTION, headers=headers).status_code
        == 401
    )
    assert end(again) == 0
    states = StoredKeyService(Settings(store=str(tmp_path / "store"))).list_keys()
    assert [key["state"] for key in states] == ["revoked", "revoked"]


def test_the_demo_serves_no_other_collection(tmp_path):
    command = [sys.executable, "-m", "eagleray", "serve", "--demo", "--collection", "notes"]
    ended = subprocess.run(
        [*command, "--store", str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2
    assert "the demo's collection is sample" in ended.stderr
