"""Documents written in a process of its own, beside questions that the serving process answers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest

from benchmarks.serving_process import run_server
from eagleray.contracts.callers import Role
from eagleray.contracts.collections import Collection
from eagleray.contracts.documents import Document
from eagleray.contracts.services import KeyRequest
from eagleray.embedders import open_embedder
from eagleray.errors import ConflictError, UnavailableError
from indexes.segments.segment_files import list_texts
from indexes.snapshots.aliases import read_alias
from indexes.snapshots.opened import open_snapshot
from indexes.storage import open_store
from indexes.writing.requests import Begun, Write
from serve.composition.writing_process import WritingProcess, make_writing_process
from serve.identity.key_service import StoredKeyService
from tests.hashing_collections import HASHED, publish_hashed

ROOT = Path(__file__).parents[2]
PATH = f"/collections/{HASHED.name}"
SENTENCE = "The issuer deferred the coupon of its 2029 notes, and the curve flattened by {} basis points. "


def make_writer_key(settings):
    request = KeyRequest(subject="feed", roles=frozenset({Role.READER, Role.WRITER}), zones=None)
    return StoredKeyService(settings).create(request)["key"]


def make_write(name, text="Swap."):
    document = Document(doc_id=name, title="", text=text, known_from=1)
    return Write(begun=Begun(name=name, now=time.time_ns() // 1000), documents=(document,))


class UnsendableError(Exception):
    def __init__(self, one, two):
        super().__init__(one)
        self.two = two


def open_odd_commit(collection):
    """Return what does with a round as the name of its first request says."""

    def carry_out(writes):
        name = writes[0].begun.name
        if name == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "conflict":
            raise ConflictError(alias="live", expected="a", found="b")
        if name == "unsendable":
            raise UnsendableError("a", "b")
        if name == "signals":
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
        facts = f"{os.getpid()} {os.getpriority(os.PRIO_PROCESS, 0)} {collection}"
        return {write.begun.name: facts for write in writes}

    return carry_out


@pytest.fixture
def odd():
    process = WritingProcess(open_odd_commit, niceness=3)
    yield process
    process.close()


def test_rounds_are_carried_out_elsewhere_at_a_lower_priority(odd):
    told = odd.commit("notes", [make_write("a"), make_write("b")])
    pid, priority, collection = told["a"].split()
    pid, priority = int(pid), int(priority)
    assert (told.keys(), collection) == ({"a", "b"}, "notes")
    assert odd.commit("bonds", [make_write("a")])["a"] == f"{pid} {priority} bonds"
    assert told.keys() == {"a", "b"}
    assert pid != os.getpid()
    assert priority == os.getpriority(os.PRIO_PROCESS, 0) + 3
    assert odd.commit("notes", [make_write("signals")])["signals"].startswith(f"{pid} ")
    odd.close()
    assert not psutil.pid_exists(pid)


def test_an_interpreter_that_ends_without_closing_it_does_not_wait_for_it():
    code = (
        "from serve.composition.writing_process import WritingProcess\n"
        "from tests.integration.test_writing_process import make_write, open_odd_commit\n"
        "if __name__ == '__main__':\n"
        "    writing = WritingProcess(open_odd_commit, niceness=3)\n"
        "    print(writing.commit('notes', [make_write('a')])['a'])\n"
    )
    begun = [sys.executable, "-c", code]
    done = subprocess.run(begun, capture_output=True, text=True, timeout=60, check=True, cwd=ROOT)
    assert not psutil.pid_exists(int(done.stdout.split()[0]))


def test_errors_are_told_and_a_process_that_dies_is_replaced(odd):
    with pytest.raises(ConflictError, match="live"):
        odd.commit("notes", [make_write("conflict")])
    with pytest.raises(RuntimeError, match="UnsendableError"):
        odd.commit("notes", [make_write("unsendable")])
    before = odd.commit("notes", [make_write("a")])["a"]
    with pytest.raises(UnavailableError, match="writer"):
        odd.commit("notes", [make_write("die")])
    assert odd.commit("notes", [make_write("a")])["a"] != before


def test_vectors_are_those_of_all_rows_together_as_in_a_job(tmp_path):
    settings, before = publish_hashed(tmp_path, model="minilm")
    writing = make_writing_process(settings, alias="live")
    try:
        write = make_write("long", text="".join(map(SENTENCE.format, range(200))))
        snapshot = writing.commit(settings.collection, [write])[write.begun.name]
    finally:
        writing.close()
    store = open_store(settings.store)
    assert read_alias(Collection(store, HASHED.name), "live").snapshot == snapshot != before
    views = open_snapshot(Collection(store, HASHED.name), snapshot).segments
    (view,) = [view for view in views if "long" in view.rows["doc_id"].to_pylist()]
    rows = view.rows.take(np.argsort(view.chunk_ids))  # the order rows have when they are embedded
    wanted = open_embedder(settings.embedder).embed_passages(list_texts(rows))
    assert len(wanted) > 10
    found = np.asarray(view.vectors)[np.argsort(view.chunk_ids)]
    assert np.array_equal(found, wanted.astype(found.dtype))


def search_on(client, took, is_over):
    """Ask new questions until told to stop; keep the status and the seconds of each."""
    for number in iter(lambda: len(took), None):
        if is_over.is_set():
            return
        started = time.monotonic()
        answer = client.post(f"{PATH}/search", json={"query": f"coupon of notes {number}", "mode": "hybrid"})
        took.append((answer.status_code, time.monotonic() - started))


def test_questions_are_answered_while_a_long_document_is_written(tmp_path):
    settings, _ = publish_hashed(tmp_path, model="minilm")
    text = "".join(map(SENTENCE.format, range(500)))
    headers = {"authorization": f"Bearer {make_writer_key(settings)}"}
    with (
        run_server(settings, env={"EAGLERAY_AUTH__API_KEYS": "true"}) as url,
        httpx.Client(base_url=url, timeout=120) as client,
    ):
        client.post(
            f"{PATH}/documents", json={"documents": [{"doc_id": "a", "text": "Swap."}]}, headers=headers
        )
        took, is_over = [], threading.Event()
        asking = threading.Thread(target=search_on, args=(client, took, is_over))
        asking.start()
        started = time.monotonic()
        answer = httpx.post(
            f"{url}{PATH}/documents",
            json={"documents": [{"doc_id": "long", "text": text}]},
            headers=headers,
            timeout=120,
        )
        written_s = time.monotonic() - started
        is_over.set()
        asking.join(timeout=60)
    assert answer.status_code == 200, answer.text
    assert {status for status, _ in took} == {200}
    assert max(seconds for _, seconds in took) < written_s / 3
    assert len(took) > 10


def test_the_process_ends_with_the_server_also_where_that_is_killed(tmp_path):
    settings, _ = publish_hashed(tmp_path)
    headers = {"authorization": f"Bearer {make_writer_key(settings)}"}
    for number in (signal.SIGTERM, signal.SIGKILL):
        with run_server(settings, env={"EAGLERAY_AUTH__API_KEYS": "true"}) as url:
            (server,) = [
                process
                for process in psutil.Process().children()
                if "serve" in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
            ]
            body = {"documents": [{"doc_id": "a", "text": "Swap."}]}
            answer = httpx.post(f"{url}{PATH}/documents", json=body, headers=headers, timeout=60)
            assert answer.status_code == 200, answer.text
            children = server.children(recursive=True)
            assert children
            server.send_signal(number)
            _, alive = psutil.wait_procs([server, *children], timeout=40)
            assert alive == []
