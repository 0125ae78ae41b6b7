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
CHUNKED = b"POST /v1/embeddings HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n"
HEAD_S = 3.0
WRITE_S = 2.0
IDLE_S = 4
N_PER_PEER = 300
MB = 1 << 20


class Server:
    """A serving process, and raw connections to it."""

    def __init__(self, process, url):
        self.process, self.url = process, url
        address = urlsplit(url)
        self.host, self.port = address.hostname, address.port

    def connect(self, source="127.0.0.1"):
        return socket.create_connection((self.host, self.port), HEAD_S + 20, source_address=(source, 0))

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
        "EAGLERAY_LOG__LEVEL": "info",
        "EAGLERAY_SERVE__HEAD_TIMEOUT_S": str(HEAD_S),
        "EAGLERAY_SERVE__IDLE_TIMEOUT_S": str(IDLE_S),
        "EAGLERAY_SERVE__WRITE_TIMEOUT_S": str(WRITE_S),
        "EAGLERAY_SERVE__MAX_CONNECTIONS_PER_PEER": str(N_PER_PEER),
    }
    command = [sys.executable, "-m", "eagleray", "serve", "--port", "0", "--json", "--development"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=log, text=True)
    found = Server(process, json.loads(process.stdout.readline())["url"])
    found.check()
    yield found
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    process.stdout.close()
    told = [json.loads(line) for line in (folder / "log").read_bytes().splitlines()]
    assert all({"event", "level", "timestamp"} <= set(line) for line in told)
    assert "snapshot_taken" in {line["event"] for line in told}


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
        CHUNKED + b"\r\nzz\r\n",
        CHUNKED + b"\r\n-1\r\n",
        CHUNKED + b"\r\n" + b"f" * 40 + b"\r\n",
        CHUNKED + b"\r\n1\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"content-length: 4\r\n\r\n0\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nhost: a\r\nx: a\x00b\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nhost: a\r\nauthorization: Bearer "
        + "k".encode("utf-16")
        + b"\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nhost : a\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_no_http_gets_400_and_no_more(server, data):
    head, _, body = server.send(data).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert b"connection: close" in head
    assert json.loads(body)["status"] == 400
    server.check()


@pytest.mark.parametrize(
    "hosts", [b"", b"host: a\r\nhost: a\r\n", b"host: a b\r\n", b"host:\r\n", b"host: a@b\r\n"]
)
def test_a_host_that_is_missing_double_or_none_gets_400(server, hosts):
    came = server.send(b"GET /health/live HTTP/1.1\r\n" + hosts + b"connection: close\r\n\r\n")
    assert came.startswith(b"HTTP/1.1 400"), came


def test_the_first_http_needs_no_host(server):
    assert server.send(b"GET /health/live HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("asked", [b"h2c", b"websocket", b"h2c, websocket", b"TLS/1.0"])
@pytest.mark.parametrize("named", [b"upgrade", b"close, upgrade", b"keep-alive, Upgrade, HTTP2-Settings"])
def test_no_other_protocol_is_upgraded_to(server, asked, named):
    head = b"POST /nothing HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\nconnection: " + named
    more = (
        b"\r\nupgrade: " + asked + b"\r\nhttp2-settings: AAMAAABkAAQ\r\nsec-websocket-version: 13\r\n\r\n{}"
    )
    came = server.send(head + more + b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n")
    assert came.startswith(b"HTTP/1.1 404"), came
    assert came.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("pause_s", [0.0, 0.1])
@pytest.mark.parametrize("is_chunked", [True, False])
def test_the_body_of_a_request_that_asks_for_another_protocol_is_read(server, is_chunked, pause_s):
    body = b'{"query": "bond coupon"}'
    framing = b"transfer-encoding: chunked" if is_chunked else b"content-length: %d" % len(body)
    sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if is_chunked else body
    head = (
        b"POST "
        + SEARCH.encode()
        + b" HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        + framing
    )
    asked = b"\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQ\r\n\r\n"
    with server.connect() as connection:
        for part in (head + asked, sent[:7], sent[7:]) if pause_s else (head + asked + sent,):
            connection.sendall(part)
            time.sleep(pause_s)
        came = read_all(connection)
    assert came.startswith(b"HTTP/1.1 200"), came
    assert b'"snapshot":' in came
    server.check()


@pytest.mark.parametrize(
    "head",
    [
        b"GET /health/live HTTP/1.1\r\nhost: a\r\n" + b"x: y\r\n" * 300,
        b"GET /health/live HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 70_000 + b"\r\n",
        b"GET /health/live?" + b"y" * 70_000 + b" HTTP/1.1\r\nhost: a\r\n",
    ],
    ids=["many fields", "a long field", "a long query"],
)
def test_a_head_that_is_too_long_is_refused_also_where_it_comes_in_one_piece(server, head):
    assert server.send(head + b"\r\n").startswith(b"HTTP/1.1 431 ")
    fit = b"GET /health/live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n" + b"x: y\r\n" * 250
    assert server.send(fit + b"\r\n").startswith(b"HTTP/1.1 200 ")


def send_in_chunks(server, n, chunk):
    head = b"POST " + SEARCH.encode() + b" HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    head += b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    body = (b"%x\r\n" % len(chunk) + chunk + b"\r\n") * n
    return server.send(head + body + b'11\r\n{"query": "bond"}\r\n0\r\n\r\n')


@pytest.mark.parametrize(
    ("n", "chunk", "status"), [(1_000, b" ", 200), (3_000, b" " * 16, 200), (3_000, b" ", 400)]
)
def test_a_body_of_many_tiny_chunks_is_refused(server, n, chunk, status):
    came = send_in_chunks(server, n, chunk)
    assert came.startswith(b"HTTP/1.1 %d " % status), came[:400]
    assert (b"BodyPieces" in came or b"body-pieces" in came) is (status == 400)
    server.check()


def test_a_connection_stays_open_between_requests_for_so_long_and_no_longer(server):
    one = b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n"
    with server.connect() as connection:
        for _ in range(2):
            connection.sendall(one)
            came = b""
            while not came.endswith(b'{"status":"live"}'):
                part = connection.recv(65_536)
                assert part, came
                came += part
            assert came.startswith(b"HTTP/1.1 200")
            time.sleep(IDLE_S - 1)
        assert read_all(connection) == b""
    server.check()


def test_pipelined_requests_are_answered_in_their_order(server):
    one = b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n"
    two = b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    came = server.send(one * 20 + two)
    assert came.count(b'"live"') == 20
    assert came.count(b"HTTP/1.1 200") == 21
    assert came.endswith(b"}") and b'"object":"list"' in came[-400:]


def test_who_waits_to_be_asked_for_a_body_is_asked_once_it_is_wanted(server):
    head = b"POST " + SEARCH.encode() + b" HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    rest = b"expect: 100-continue\r\ncontent-length: 17\r\nconnection: close\r\n"
    with server.connect() as connection:
        connection.sendall(head + rest + b"\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 100")
        connection.sendall(b'{"query": "bond"}')
        assert read_all(connection).startswith(b"HTTP/1.1 200")
    came = server.send(head + rest + b"authorization: Bearer er_wrong\r\n\r\n")
    assert came.startswith(b"HTTP/1.1 401")


def test_a_body_that_never_ends_is_left_once_it_is_refused(server):
    head = b"POST " + SEARCH.encode() + b" HTTP/1.1\r\nhost: a\r\nauthorization: Bearer no\r\n"
    with server.connect() as connection:
        connection.sendall(head + b"transfer-encoding: chunked\r\n\r\n")
        started = time.monotonic()
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            while time.monotonic() < started + 20:
                connection.sendall(b"400\r\n" + b" " * 1024 + b"\r\n")
                time.sleep(0.01)
        assert time.monotonic() - started < 8
    server.check()


def test_a_refusal_arrives_also_where_a_long_body_is_still_sent(server):
    answer = httpx.post(
        server.url + "/v1/embeddings",
        content=b" " * (6 << 20),
        headers={"authorization": "Bearer er_wrong", "content-type": "application/json"},
        timeout=30,
    )
    assert answer.status_code == 401


def test_one_address_does_not_get_all_connections(server):
    held = [server.connect() for _ in range(N_PER_PEER)]
    with server.connect() as connection:
        came = read_all(connection)
    assert came.startswith(b"HTTP/1.1 503"), came
    assert b"retry-after: 1" in came
    with server.connect("127.0.0.2") as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        assert b'"live"' in read_all(connection)
    for connection in held:
        connection.close()
    for _ in range(100):
        try:
            server.check()
        except (httpx.HTTPError, AssertionError):
            time.sleep(0.1)
        else:
            return
    pytest.fail("the connections still count")


def test_a_peer_that_does_not_take_its_answer_is_cut_off(server):
    before = psutil.Process(server.process.pid).num_fds()
    one = b"GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n"
    held = []
    for _ in range(5):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        connection.connect((server.host, server.port))
        connection.sendall(one * 100)
        held.append(connection)
    for _ in range(150):
        if psutil.Process(server.process.pid).num_fds() <= before:
            break
        time.sleep(0.1)
    else:
        pytest.fail("connections whose answers nobody takes stay open")
    for connection in held:
        connection.close()
    server.check()


def test_a_peer_that_takes_its_answer_slowly_gets_it_whole(server):
    with server.connect() as connection:
        connection.sendall(
            b"GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n" * 60
            + b"GET /health/live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
        )
        came, started = b"", time.monotonic()
        while part := connection.recv(65_536):
            came += part
            if time.monotonic() - started < 3 * WRITE_S:
                time.sleep(0.05)
    assert came.count(b"HTTP/1.1 200") == 61
    assert came.endswith(b'{"status":"live"}')


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
