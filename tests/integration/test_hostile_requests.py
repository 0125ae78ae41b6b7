"""`eagleray serve` under requests that nobody honest sends: it refuses them, answers on, and stays small."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from eagleray.settings import Settings
from tests.integration.cut_runs import NOTES, ingest, write_lines

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

SEARCH = "/collections/notes/search"
HEAD_S = 3.0
MB = 1 << 20


class Server:
    """A serving process, and raw connections to it."""

    def __init__(self, process, url):
        self.process, self.url = process, url
        address = urlsplit(url)
        self.host, self.port = address.hostname, address.port

    def connect(self):
        return socket.create_connection((self.host, self.port), timeout=HEAD_S + 20)

    def send(self, data):
        """Send bytes and return all that comes back until the connection ends."""
        with self.connect() as connection:
            connection.sendall(data)
            return read_all(connection)

    def check(self):
        answer = httpx.post(self.url + SEARCH, json={"query": "bond coupon"}, timeout=30)
        assert answer.status_code == 200, answer.text

    @property
    def n_bytes(self):
        return psutil.Process(self.process.pid).memory_info().rss


def read_all(connection):
    came = b""
    while True:
        try:
            part = connection.recv(65_536)
        except (ConnectionResetError, BrokenPipeError):
            return came
        if not part:
            return came
        came += part


@pytest.fixture(scope="module")
def server(cluster, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    settings = Settings(
        store=str(folder / "store"), collection="notes", embedder={"model": "hashing"}, jobs={"workers": 2}
    )
    ingest(settings, write_lines(folder / "desk" / "notes.jsonl", NOTES))
    env = os.environ | {
        "EAGLERAY_STORE": settings.store,
        "EAGLERAY_COLLECTION": "notes",
        "EAGLERAY_EMBEDDER__MODEL": "hashing",
        "EAGLERAY_LOG__LEVEL": "error",
        "EAGLERAY_SERVE__HEAD_TIMEOUT_S": str(HEAD_S),
    }
    command = [sys.executable, "-m", "eagleray", "serve", "--port", "0", "--json", "--development"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found = Server(process, json.loads(process.stdout.readline())["url"])
    found.check()
    yield found
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    process.stdout.close()


def test_heads_that_drip_are_cut_off_and_keep_nobody_waiting(server):
    drips = [server.connect() for _ in range(100)]
    started = time.monotonic()
    for connection in drips:
        connection.sendall(b"POST /v1/embeddings HTTP/1.1\r\nhost: a\r\n")
    while time.monotonic() < started + HEAD_S - 1:
        for connection in drips:
            connection.sendall(b"x: y\r\n")
        server.check()
        time.sleep(0.3)
    for connection in drips:
        assert read_all(connection).startswith(b"HTTP/1.1 408")
        connection.close()
    assert time.monotonic() < started + HEAD_S + 10


def test_a_connection_that_says_nothing_ends(server):
    started = time.monotonic()
    with server.connect() as connection:
        assert read_all(connection).startswith(b"HTTP/1.1 408")
    assert HEAD_S - 1 < time.monotonic() - started < HEAD_S + 5


def test_a_kept_connection_whose_next_head_drips_ends_too(server):
    with server.connect() as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /health/live HTTP/1.1\r\n")
        started = time.monotonic()
        assert b"408" in read_all(connection)
        assert time.monotonic() - started < HEAD_S + 5


def test_a_head_without_an_end_is_refused_before_it_fills_the_memory(server):
    before = server.n_bytes
    with server.connect() as connection:
        try:
            for _ in range(512):
                connection.sendall(b"x" * 1024 + b": " + b"y" * 65_536 + b"\r\n")
        except (ConnectionResetError, BrokenPipeError):
            pass
        else:
            pytest.fail("32 MB of a head were taken")
    assert server.n_bytes - before < 16 * MB
    server.check()


def test_half_closed_and_broken_requests_leave_nothing_behind(server):
    before = psutil.Process(server.process.pid).num_fds()
    for data in (b"", b"POST", b"POST " + SEARCH.encode() + b" HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"):
        with server.connect() as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            read_all(connection)
    for _ in range(50):
        connection = server.connect()
        connection.sendall(
            b"POST " + SEARCH.encode() + b" HTTP/1.1\r\nhost: a\r\ncontent-length: 500\r\n\r\n{"
        )
        connection.close()
    for _ in range(100):
        if psutil.Process(server.process.pid).num_fds() <= before + 2:
            break
        time.sleep(0.1)
    else:
        pytest.fail("connections stay open")
    server.check()


@pytest.mark.parametrize(
    "data",
    [
        b"\x00" * 64 + b"\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"POST /v1/embeddings HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/embeddings HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"POST /v1/embeddings HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_gets_400(server, data):
    assert server.send(data).startswith(b"HTTP/1.1 400")
    server.check()


def test_a_length_and_chunks_together_are_one_request_at_most(server):
    """Where a proxy and a server read such a request differently, requests of two callers can be mixed up."""
    smuggled = b"GET /health/live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    head = (
        b"POST /v1/models HTTP/1.1\r\nhost: a\r\nconnection: close\r\n"
        b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    came = server.send(head + b"0\r\n\r\n" + smuggled)
    assert came.count(b"HTTP/1.1 ") == 1
    assert b"live" not in came


def test_a_long_body_of_an_unknown_caller_is_not_read(server):
    head = (
        b"POST /v1/embeddings HTTP/1.1\r\nhost: a\r\nauthorization: Bearer er_wrong\r\n"
        b"content-type: application/json\r\ncontent-length: 8000000\r\n\r\n"
    )
    with server.connect() as connection:
        connection.sendall(head + b" " * (128 << 10))
        came = read_all(connection)
    assert came.startswith(b"HTTP/1.1 401"), came[:200]


def test_many_long_bodies_at_once_stay_within_memory(server):
    before = server.n_bytes
    held = []
    for _ in range(200):
        connection = server.connect()
        connection.sendall(
            b"POST " + SEARCH.encode() + b" HTTP/1.1\r\nhost: a\r\nauthorization: Bearer no\r\n"
            b"content-length: 1000000\r\n\r\n" + b" " * 60_000
        )
        held.append(connection)
    server.check()
    assert server.n_bytes - before < 64 * MB
    for connection in held:
        connection.close()


@pytest.mark.parametrize(
    "headers", [{"host": "evil.example"}, {"origin": "https://evil.example"}, {"origin": "null"}]
)
def test_a_page_of_another_site_is_not_the_developer(server, headers):
    answer = httpx.post(server.url + SEARCH, json={"query": "bond coupon"}, headers=headers, timeout=30)
    assert answer.status_code == 401, answer.text
