"""`eagleray serve` over a Redis that dies, hangs and comes back: no request fails, none waits for long."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from indexes.storage import open_store
from tests.hashing_collections import HASHED, publish, put_hashed_snapshot
from tests.redis_servers import SECRET

ROOT = Path(__file__).parents[3]
PATH = f"/collections/{HASHED.name}/search"
PAGE = (ROOT / "docs" / "redis.md").read_text(encoding="utf-8")


@contextmanager
def serve(folder, *, poll_s=0.25, **redis_settings):
    """Run a server, and give a client of it."""
    told = {f"EAGLERAY_REDIS__{name.upper()}": str(value) for name, value in redis_settings.items()}
    env = os.environ | {
        "PYTHONPATH": str(ROOT),
        "EAGLERAY_STORE": str(folder / "store"),
        "EAGLERAY_COLLECTION": HASHED.name,
        "EAGLERAY_CACHE": str(folder / "cache"),
        "EAGLERAY_EMBEDDER__MODEL": "hashing",
        "EAGLERAY_SERVE__POLL_S": str(poll_s),
        **told,
    }
    command = [sys.executable, "-m", "eagleray", "serve", "--port", "0", "--json", "--development"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        line = process.stdout.readline()
        assert line, f"ended with {process.wait(timeout=30)} before it was ready"
        with httpx.Client(base_url=json.loads(line)["url"], timeout=30) as client:
            yield client
        process.terminate()
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait(timeout=30)
        process.stdout.close()


def search(client, query, **body):
    answer = client.post(PATH, json={"query": query, "explain": True, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def read_metrics(client):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
    }


def wait_until(is_so):
    for _ in range(600):
        if is_so():
            return
        time.sleep(0.05)
    pytest.fail("it did not come so far")


@pytest.fixture
def folder(tmp_path):
    """A folder with a published collection in its store."""
    store = open_store(tmp_path / "store")
    publish(store, put_hashed_snapshot(store))
    return tmp_path


@pytest.fixture
def shared(own_redis):
    return {"url": own_redis.url, "secret": SECRET}


class Load:
    """Clients that ask all the time, each request another question or one that was asked before."""

    def __init__(self, url, n_clients=3):
        self.slowest_s, self.n_asked, self.failed = 0.0, 0, []
        self._is_over, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(url, n)) for n in range(n_clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def _ask(self, url, number):
        with httpx.Client(base_url=url, timeout=30) as client:
            n = 0
            while not self._is_over.is_set():
                n += 1
                query = "swap curve" if n % 2 else f"bond {number} {n}"
                began = time.perf_counter()
                try:
                    answer = client.post(PATH, json={"query": query})
                    problem = "" if answer.status_code == 200 else answer.text
                except httpx.HTTPError as error:
                    problem = repr(error)
                elapsed_s = time.perf_counter() - began
                with self._lock:
                    self.n_asked += 1
                    self.slowest_s = max(self.slowest_s, elapsed_s)
                    if problem:
                        self.failed.append(problem)
                time.sleep(0.002)


def test_a_redis_that_is_killed_stopped_and_comes_back_fails_no_request(folder, own_redis, shared):
    with serve(folder, **shared, pause_s=0.3) as client:
        expected = search(client, "swap curve")["hits"]
        wait_until(lambda: search(client, "swap curve")["explanation"]["is_remembered"])
        with Load(str(client.base_url)) as load:
            time.sleep(1.0)
            own_redis.kill()
            wait_until(lambda: read_metrics(client)["eagleray_redis_commands_total", "failed"] >= 2)
            assert search(client, "swap curve")["hits"] == expected
            own_redis.start()
            wait_until(lambda: search(client, "swap curve")["explanation"]["is_remembered"])
            own_redis.stop()
            failed = read_metrics(client)["eagleray_redis_commands_total", "failed"]
            wait_until(lambda: read_metrics(client)["eagleray_redis_commands_total", "failed"] >= failed + 3)
            assert search(client, "swap curve")["hits"] == expected
            own_redis.go_on()
            wait_until(lambda: search(client, "swap curve")["explanation"]["is_remembered"])
        assert load.failed == []
        assert load.n_asked > 100
        assert load.slowest_s < 2.0
        assert search(client, "swap curve")["hits"] == expected
        metrics = read_metrics(client)
        assert metrics["eagleray_redis_commands_total", "left_out"] > 0
        assert metrics["eagleray_redis_lookups_total", "result", "found"] > 0
        assert metrics["eagleray_redis_lookups_total", "result", "rejected"] == 0


def test_a_server_starts_and_answers_where_no_redis_is(folder, own_redis, shared):
    own_redis.kill()
    with serve(folder, **shared) as client:
        began = time.perf_counter()
        for n in range(50):
            assert not search(client, f"swap {n}")["explanation"]["is_remembered"]
        assert time.perf_counter() - began < 10.0
        assert read_metrics(client)["eagleray_redis_is_asked",] == 0.0


def test_a_wrong_password_is_as_if_no_redis_were_there(folder, own_redis, shared):
    wrong = shared["url"].replace(":loopback-only@", ":wrong@")
    with serve(folder, url=wrong, secret=SECRET) as client:
        for _ in range(5):
            assert not search(client, "swap")["explanation"]["is_remembered"]
        assert read_metrics(client)["eagleray_redis_commands_total", "answered"] == 0


def test_two_servers_share_answers_and_hear_of_moves_that_one_of_them_saw(folder, own_redis, shared):
    with serve(folder, **shared) as one, serve(folder, poll_s=3600.0, **shared) as other:
        first = search(one, "swap curve")
        wait_until(lambda: search(other, "swap curve")["explanation"]["is_remembered"])
        assert search(other, "swap curve")["hits"] == first["hits"]
        wait_until(lambda: read_metrics(other)["eagleray_redis_is_listening",] == 1.0)
        store = open_store(folder / "store")
        newer = put_hashed_snapshot(store, seed=8)
        began = time.perf_counter()
        publish(store, newer)
        wait_until(lambda: search(other, "swap curve")["snapshot"] == newer)
        assert time.perf_counter() - began < 60.0
        assert search(other, "swap curve")["hits"] == search(one, "swap curve")["hits"]
        assert read_metrics(other)["eagleray_redis_notices_total",] >= 1


def test_each_metric_of_redis_stands_on_its_page(folder, own_redis, shared):
    with serve(folder, **shared) as client:
        search(client, "swap")
        names = {key[0] for key in read_metrics(client) if key[0].startswith("eagleray_redis_")}
    rows = {line.split("`")[1] for line in PAGE.splitlines() if line.startswith("| `eagleray_redis_")}
    assert {name for name in names if not name.endswith("_created")} == rows
