"""Answers that stream from a real server: each leaves one record of its beginning, and one of its end."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import pytest

from eagleray.contracts.audits import AuditQuery
from eagleray.settings import Settings
from indexes.storage import open_store
from serve.audit.entries import BEGUN, CANCELLED, INTERRUPTED, OK, find_begun
from serve.audit.record_queries import scan_records
from serve.audit.service import LocalAuditService
from serve.audit.verification import verify_log
from tests.contract.audit.toy_streams import COLLECTION, N_PIECES

PATIENCE_S = 20


class Server:
    """A process that tells, and its log."""

    def __init__(self, folder, process):
        self.process, self.port = process, int(process.stdout.readline())
        self.store, self.folder = open_store(folder), folder

    def ask(self, how, name):
        url = f"http://127.0.0.1:{self.port}/telling/{how}"
        return httpx.stream("GET", url, headers={"x-request-id": name}, timeout=PATIENCE_S)

    def list_records(self, name):
        query = AuditQuery(action="telling")
        records = scan_records(self.store, COLLECTION, query)
        return [item for item in records if item.entry.request_id == name]

    def wait_for_end(self, name):
        """Return the entries of a request once there is one of its end; each has exactly one."""
        deadline = time.monotonic() + PATIENCE_S
        while len(found := self.list_records(name)) < 2:
            assert time.monotonic() < deadline, [item.entry.status for item in found]
            time.sleep(0.05)
        begun, ended = found
        assert (begun.entry.status, find_begun(ended.entry.body)) == (BEGUN, begun.sequence)
        result = verify_log(self.store, COLLECTION)
        assert (result.findings, result.interrupted) == ([], [])
        return ended.entry


@contextmanager
def run_server(folder):
    command = [sys.executable, "-m", "tests.contract.audit.toy_streams", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        yield Server(folder, process)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with run_server(tmp_path_factory.mktemp("streams")) as found:
        yield found


def test_an_answer_that_is_read_to_its_end_is_ok(server):
    with server.ask("whole", "r-whole") as answer:
        assert answer.read().endswith(b"data: [DONE]\n\n")
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["x-request-id"] == "r-whole"
    ended = server.wait_for_end("r-whole")
    assert (ended.status, len(ended.hits)) == (OK, N_PIECES)
    assert f'"pieces":{N_PIECES}' in ended.body
    assert f'"bytes":{N_PIECES * 17}' in ended.body


@pytest.mark.parametrize("how", ["goes-on", "waits"])
def test_an_answer_whose_reader_goes_away_is_cancelled_with_what_was_given(server, how):
    with server.ask(how, f"r-{how}") as answer:
        pieces = answer.iter_raw()
        assert next(pieces)
        assert [item.entry.status for item in server.list_records(f"r-{how}")] == [BEGUN]
    ended = server.wait_for_end(f"r-{how}")
    assert ended.status == CANCELLED
    assert ended.hits


def test_an_answer_that_is_not_read_is_cancelled(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        connection.sendall(b"GET /telling/floods HTTP/1.1\r\nhost: x\r\nx-request-id: r-floods\r\n\r\n")
        ended = server.wait_for_end("r-floods")
    assert ended.status == CANCELLED
    assert 0 < len(ended.hits) < 100, "so much fits between the two"


def test_an_answer_that_fails_half_way_is_cut_and_says_what_was_given(server):
    with server.ask("fails", "r-fails") as answer, pytest.raises(httpx.RemoteProtocolError):
        assert answer.status_code == 200
        answer.read()
    ended = server.wait_for_end("r-fails")
    assert (ended.status, len(ended.hits)) == ("StoreError", 3)


def test_what_fails_before_the_first_piece_is_answered_as_any_error(server):
    with server.ask("fails-at-once", "r-early") as answer:
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    ended = server.wait_for_end("r-early")
    assert (ended.status, ended.hits) == ("StoreError", ())


def test_an_answer_that_a_server_is_told_to_end_in_is_cancelled(tmp_path):
    with run_server(tmp_path) as server, server.ask("goes-on", "r-term") as answer:
        next(answer.iter_raw())
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(timeout=PATIENCE_S)
        assert server.wait_for_end("r-term").status == CANCELLED
        assert verify_log(server.store, COLLECTION).unfinished == []


def test_an_answer_whose_server_is_killed_is_interrupted(tmp_path):
    with run_server(tmp_path) as server, server.ask("goes-on", "r-kill") as answer:
        next(answer.iter_raw())
        server.process.kill()
        server.process.wait(timeout=PATIENCE_S)
    named = {"features": "tests.contract.audit.toy_streams:TELLER"}
    settings = Settings(store=str(tmp_path), collection=COLLECTION, serve=named)
    service = LocalAuditService(settings)
    (interrupted,) = service.verify(heads="")["interrupted"]
    assert (interrupted["action"], interrupted["subject"], interrupted["request_id"]) == (
        "telling",
        "ann",
        "r-kill",
    )
    (shown,) = service.show(AuditQuery(action="telling"))
    assert (shown["status"], shown["request_id"]) == (INTERRUPTED, "r-kill")
    assert service.replay(AuditQuery())["unanswered"] == 0
