"""`serve run` with the application of Ray Serve: asked, published to, and its processes killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from eagleray.contracts.answers import show_response
from eagleray.contracts.audits import AuditQuery
from eagleray.contracts.hits import FacetRequest, SearchRequest
from eagleray.contracts.shown_documents import DocumentRequest
from indexes.service import LocalIndexService
from serve.audit.service import LocalAuditService
from tests.integration.collectors import collecting
from tests.integration.cut_runs import NOTES, ingest, make_settings, write_lines

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

SERVE = Path(sys.executable).parent / "serve"
PATH = "/collections/notes/search"
QUESTION = {"query": "bond coupon", "k": 100}
N_CLIENTS = 3
READY_S = 60.0
"""Seconds within which all answers again after a process was killed."""


class Served:
    """A process of `serve run`, its store, and the snapshots that are published in turn."""

    def __init__(
        self,
        folder,
        settings,
        snapshots,
        *,
        n_cpus=2,
        collector=None,
        environment=None,
        build="serve.app:build",
        **arguments,
    ):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.settings, self.snapshots, self.url = settings, snapshots, f"http://127.0.0.1:{port}"
        self.spans, endpoint = (collector[0].spans, collector[1]) if collector else ([], "")
        application = {
            "name": "eagleray",
            "import_path": build,
            "args": {"is_development": True, **arguments},
        }
        config = {"http_options": {"host": "127.0.0.1", "port": port}, "applications": [application]}
        (folder / "serve.yaml").write_text(json.dumps(config))
        env = os.environ | {
            "RAY_ADDRESS": "local",
            "RAY_OVERRIDE_RESOURCES": json.dumps({"CPU": n_cpus}),
            "RAY_TMPDIR": str(folder / "r"),
            "RAY_USAGE_STATS_ENABLED": "0",
            "EAGLERAY_STORE": settings.store,
            "EAGLERAY_COLLECTION": settings.collection,
            "EAGLERAY_CACHE": settings.cache,
            "EAGLERAY_EMBEDDER__MODEL": settings.embedder.model,
            "EAGLERAY_TRACING__ENDPOINT": endpoint,
            **(environment or {}),
        }
        self.process = subprocess.Popen(
            ["env", "--default-signal=INT", *self.make_command(folder / "serve.yaml", port)],
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.client = httpx.Client(base_url=self.url, timeout=60)

    def make_command(self, file, port):
        return [str(SERVE), "run", str(file)]

    def search(self, **more):
        return self.client.post(PATH, json=QUESTION | more)

    def wait_until_ready(self, timeout_s):
        """Return the seconds until a real question is answered."""
        started = time.monotonic()
        while time.monotonic() - started < timeout_s:
            try:
                if self.client.get("/health/ready", timeout=5).status_code == 200:
                    return time.monotonic() - started
            except httpx.TransportError:
                pass
            assert self.process.poll() is None
            time.sleep(0.05)
        pytest.fail("not ready in time")

    def find(self, title):
        """Return its processes whose title begins so."""
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                found += [process] if any(part.startswith(title) for part in process.cmdline()) else []
        return found

    def kill(self, title):
        """Kill one process whose title begins so."""
        self.find(title)[0].kill()

    def publish(self, snapshot):
        LocalIndexService(self.settings).publish(snapshot=snapshot, alias="live")

    def end(self):
        started = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=90)
        _, left = psutil.wait_procs(started, timeout=30)
        for process in left:
            process.kill()
        self.client.close()
        assert (code, left) == (0, [])


@pytest.fixture(scope="module")
def served(cluster):
    folder = Path(tempfile.mkdtemp(prefix="ers"))  # short: Ray makes sockets below it
    settings = make_settings(folder)
    first = ingest(settings, write_lines(folder / "desk" / "notes.jsonl", NOTES))["snapshot"]
    changed = [{**note, "text": note["text"] + " Called."} for note in NOTES[:20]]
    for note in changed:
        note["known_from"] = "2021-01-01T00:00:00Z"
    second = ingest(settings, write_lines(folder / "desk" / "notes.jsonl", changed))["snapshot"]
    with collecting() as collector:
        found = Served(folder, settings, (first, second), collector=collector, searchers=2, ingresses=2)
        try:
            found.wait_until_ready(240)
            yield found
        finally:
            found.end()
            shutil.rmtree(folder, ignore_errors=True)


def show(settings, snapshot, **more):
    """Return what the engine in this process answers, as HTTP shows it."""
    engine = LocalIndexService(settings).open_engine(snapshot=snapshot)
    shown = json.loads(
        json.dumps(show_response(engine.search(SearchRequest(**(QUESTION | more))), is_explained=False))
    )
    for hit in shown["hits"]:
        hit["chunk_id"] = str(hit["chunk_id"])
    return shown


def test_answers_are_those_of_the_engine_to_the_bit_also_from_a_snapshot_that_is_named(served):
    for snapshot in served.snapshots:
        assert served.search(snapshot=snapshot).json() == show(served.settings, snapshot)
    assert served.search(k=3).json() == show(served.settings, "live", k=3)


def test_errors_are_those_of_one_process(served):
    cases = [
        (served.search(filter="year >"), 400, "filter"),
        (served.search(snapshot="0" * 64), 404, "not-published"),
        (served.client.post("/collections/other/search", json=QUESTION), 404, "not-published"),
        (served.client.post(PATH, json=QUESTION, headers={"authorization": "Bearer er_x"}), 401, "authentic"),
        (served.search(timeout_s=1e-6), 504, "deadline"),
    ]
    for answer, status, kind in cases:
        assert (answer.status_code, kind in answer.json()["type"]) == (status, True), answer.text


def test_batches_counts_and_documents_are_those_of_single_questions(served):
    snapshot = served.snapshots[0]
    questions = [{"query": "bond coupon", "k": k} for k in (1, 3)]
    body = {"questions": questions, "snapshot": snapshot}
    batch = served.client.post(f"{PATH}/batch", json=body).json()
    assert batch["answers"] == [show(served.settings, snapshot, k=k) for k in (1, 3)]
    engine = LocalIndexService(served.settings).open_engine(snapshot=snapshot)
    base = PATH.removesuffix("/search")
    counts = served.client.post(f"{base}/facets", json={"column": "source", "snapshot": snapshot}).json()
    assert counts == {
        "snapshot": snapshot,
        "values": engine.count_values(FacetRequest(column="source")),
    }
    doc_id = batch["answers"][0]["hits"][0]["doc_id"]
    query = {"doc_id": doc_id, "snapshot": snapshot}
    shown = served.client.get(f"{base}/documents", params=query).json()
    wanted = engine.show_document(DocumentRequest(doc_id=doc_id))
    assert [chunk["text"] for chunk in shown["chunks"]] == [chunk.text for chunk in wanted.chunks]
    missing = served.client.get(f"{base}/documents", params={"doc_id": "not-there"})
    assert missing.status_code == 404


def test_vectors_of_texts(served):
    model, *_ = served.client.get("/v1/models").json()["data"]
    body = {"model": model["id"], "input": ["bond coupon", "swap"]}
    rows = served.client.post("/v1/embeddings", json=body).json()["data"]
    assert [len(row["embedding"]) for row in rows] == [model["dimensions"]] * 2
    long = served.client.post("/v1/embeddings", json=body | {"dimensions": 1 << 20})
    assert (long.status_code, long.json()["error"]["param"]) == (400, "dimensions")


def test_a_trace_goes_on_through_the_replicas_that_were_asked(served):
    model, *_ = served.client.get("/v1/models").json()["data"]
    asked = {
        PATH: (QUESTION, {"POST /collections/{name}/search", "search", "score"}),
        "/v1/embeddings": ({"model": model["id"], "input": ["swap"]}, {"POST /v1/embeddings", "embed"}),
    }
    for number, (path, (body, names)) in enumerate(asked.items(), start=1):
        caller = {"traceparent": f"00-{number:032x}-{number:016x}-01"}
        assert served.client.post(path, json=body, headers=caller).is_success
        until = time.monotonic() + 20.0
        while not (names <= find_names(served.spans, number) and has_whole_trace(served.spans, number)):
            assert time.monotonic() < until, find_names(served.spans, number)
            time.sleep(0.2)


def find_trace(spans, number):
    return [span for span in spans if int.from_bytes(span.trace_id, "big") == number]


def find_names(spans, number):
    return {span.name for span in find_trace(spans, number)}


def has_whole_trace(spans, number):
    """Return whether each span is within another one, or within the caller's."""
    found = find_trace(spans, number)
    known = {span.span_id for span in found} | {number.to_bytes(8, "big")}
    return all(span.parent_span_id in known for span in found)


class Load:
    """Clients that ask on and on."""

    def __init__(self, served, n_clients=N_CLIENTS):
        self.answers, self.failed, self.is_over = [], [], threading.Event()
        self.served = served
        self.threads = [threading.Thread(target=self._ask_on) for _ in range(n_clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join(timeout=90)

    def _ask_on(self):
        with httpx.Client(base_url=self.served.url, timeout=60) as client:
            while not self.is_over.is_set():
                begun = time.monotonic()
                try:
                    answer = client.post(PATH, json=QUESTION)
                except httpx.TransportError as error:
                    self.failed.append(type(error).__name__)
                    time.sleep(0.1)
                    continue
                if answer.status_code == 200:
                    self.answers.append((begun, answer.json()))
                else:
                    self.failed.append(answer.status_code)


def test_publishes_and_rollbacks_fail_no_request_and_all_replicas_follow(served):
    expected = {snapshot: show(served.settings, snapshot) for snapshot in served.snapshots}
    moved = []
    with Load(served) as load:
        for number in range(4):
            served.publish(served.snapshots[number % 2])
            moved.append((time.monotonic(), served.snapshots[number % 2]))
            time.sleep(4.5)
        ended = time.monotonic()
    assert not load.failed
    assert all(answer == expected[answer["snapshot"]] for _, answer in load.answers)
    for (at, snapshot), until in zip(moved, [*(at for at, _ in moved[1:]), ended], strict=True):
        settled = {answer["snapshot"] for begun, answer in load.answers if at + 3.0 < begun < until - 0.5}
        assert settled == {snapshot}


@pytest.mark.parametrize(
    "title",
    [
        "ray::ServeReplica:eagleray:Searcher",
        "ray::ServeReplica:eagleray:Ingress",
        "ray::ServeController",
        "ray::ProxyActor",
    ],
)
def test_a_killed_process_costs_at_most_what_it_had_begun(served, title):
    with Load(served) as load:
        time.sleep(1.0)
        served.kill(title)
        time.sleep(3.0)
        served.wait_until_ready(READY_S)
        seen = len(load.answers)
        time.sleep(2.0)
        is_answering = len(load.answers) > seen
    assert is_answering
    if "Proxy" not in title:  # nothing listens until Ray has started another one
        assert len(load.failed) <= N_CLIENTS
    assert 500 not in load.failed or "Ingress" in title
    expected = {snapshot: show(served.settings, snapshot) for snapshot in served.snapshots}
    assert all(answer == expected[answer["snapshot"]] for _, answer in load.answers)


def test_each_answer_is_recorded_and_every_chain_verifies(served):
    for number in range(20):
        assert served.client.post(PATH, json=QUESTION, headers={"x-request-id": f"trace-{number}"}).is_success
    time.sleep(3.0)  # records wait a second at most to be stored
    audit = LocalAuditService(served.settings)
    verified = audit.verify(heads="")
    assert verified["findings"] == []
    records = [row for row in audit.show(AuditQuery()) if row["kind"] == "request"]
    assert {f"trace-{number}" for number in range(20)} <= {record["request_id"] for record in records}
