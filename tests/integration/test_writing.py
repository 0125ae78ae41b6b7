"""Documents written to a serving process: found at once, beside other writers, jobs and crashes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from eagleray.contracts.audits import AuditQuery
from eagleray.contracts.callers import Role
from eagleray.contracts.collections import Collection
from eagleray.contracts.services import KeyRequest
from indexes.service import LocalIndexService
from indexes.snapshots.aliases import alias_history
from indexes.storage import open_store
from indexes.writing.requests import WRITE
from serve.audit.service import LocalAuditService
from serve.identity.key_service import StoredKeyService
from tests.integration.cut_runs import NOTES, find_ids, ingest, write_lines

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

PATH = "/collections/notes/documents"


class Process:
    """A serving process, and a client of it that may write and search."""

    def __init__(self, settings, key):
        env = os.environ | {
            "EAGLERAY_STORE": settings.store,
            "EAGLERAY_COLLECTION": settings.collection,
            "EAGLERAY_CACHE": settings.cache,
            "EAGLERAY_EMBEDDER__MODEL": settings.embedder.model,
            "EAGLERAY_AUTH__API_KEYS": "true",
            "EAGLERAY_AUDIT__QUESTIONS": "text",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "eagleray", "serve", "--port", "0", "--json"],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        line = self.process.stdout.readline()
        assert line, f"ended with {self.process.wait(timeout=30)} before it was ready"
        headers = {"authorization": f"Bearer {key}"}
        self.client = httpx.Client(base_url=json.loads(line)["url"], timeout=60, headers=headers)

    def write(self, *documents, key=None):
        headers = {"idempotency-key": key} if key else {}
        return self.client.post(PATH, json={"documents": list(documents)}, headers=headers)

    def find(self, query="bond coupon"):
        answer = self.client.post("/collections/notes/search", json={"query": query, "k": 500}).json()
        return {hit["doc_id"]: hit["text"] for hit in answer["hits"]}

    def wait_for(self, doc_id, query="bond coupon"):
        """Return the seconds until a search finds a document."""
        started = time.monotonic()
        while doc_id not in self.find(query):
            assert time.monotonic() - started < 30
        return time.monotonic() - started


def doc(name, text="Bond pays a coupon.", **more):
    return {"doc_id": name, "text": f"{text} {name}", **more}


def make_key(settings, *roles, zones=None, subject="feed"):
    request = KeyRequest(subject=subject, roles=frozenset(roles), zones=zones)
    return StoredKeyService(settings).create(request)["key"]


@pytest.fixture
def start(cluster, settings, tmp_path):
    """Serve the notes to a feed that may write and search; every process is ended with the test."""
    ingest(settings, write_lines(tmp_path / "desk" / "notes.jsonl", NOTES))
    key, started = make_key(settings, Role.READER, Role.WRITER), []

    def run():
        started.append(Process(settings, key))
        return started[-1]

    yield run
    for item in started:
        item.process.kill()
        item.process.wait(timeout=30)
        item.process.stdout.close()
        item.client.close()


def test_documents_are_found_within_two_seconds_replaced_and_removed(start, settings):
    served = start()
    served.write(doc("warm"))
    started = time.monotonic()
    answer = served.write(
        doc("x", title="A  note", attributes={"year": 2024}, known_from="2021-01-01T00:00:00Z")
    )
    assert answer.status_code == 200, answer.text
    assert (answer.json()["written"], answer.json()["is_searchable"]) == (1, True)
    assert "x" in served.find()
    assert time.monotonic() - started < 2.0
    served.write(doc("x", text="Bond defaults."))
    assert served.client.delete(PATH, params={"doc_id": ["n1", "nobody"]}).json()["removed"] == 2
    started = time.monotonic()
    while "n1" in (found := served.find()) or "defaults" not in found["x"]:
        assert time.monotonic() - started < 5
    body = {"query": "bond", "k": 500, "as_of": "2022-01-01T00:00:00Z"}
    before = {
        hit["doc_id"]: hit
        for hit in served.client.post("/collections/notes/search", json=body).json()["hits"]
    }
    assert "n1" in before
    assert "coupon" in before["x"]["text"]
    assert before["x"]["attributes"] == {"year": 2024}
    assert LocalIndexService(settings).run_gate(snapshot="live")["passed"]


def test_elements_give_headings_and_what_is_no_document_is_refused_whole(start):
    served = start()
    parts = [{"kind": "heading", "level": 1, "text": "Outlook"}, {"text": "Bond spreads widen.", "page": 2}]
    assert served.write({"doc_id": "e", "elements": parts}).status_code == 200
    assert "Bond spreads widen." in served.find("spreads widen").get("e", "") or served.wait_for("e") < 5
    faulty = [
        [doc("ok"), {"doc_id": "bad", "text": " "}],
        [doc("ok"), doc("ok")],
        [doc("ok", known_from="yesterday")],
        [{"doc_id": "both", "text": "a", "elements": parts}],
    ]
    for documents in faulty:
        assert served.write(*documents).status_code == 400, documents
    assert served.write(*[doc(str(n)) for n in range(101)]).status_code == 422
    assert served.write(doc("ok", colour="red")).status_code == 422
    assert not {"ok", "bad", "both"} & served.find().keys()


def test_only_a_writer_of_every_zone_writes_and_each_write_stands_in_the_audit_log(start, settings):
    served = start()
    served.write(doc("x"), key="k1")
    body = {"documents": [doc("y")]}
    for roles, zones in (((Role.READER,), None), ((Role.WRITER,), frozenset({"default"}))):
        key = make_key(settings, *roles, zones=zones, subject="other")
        headers = {"authorization": f"Bearer {key}"}
        assert served.client.post(PATH, json=body, headers=headers).status_code == 403
        assert served.client.delete(PATH, params={"doc_id": "x"}, headers=headers).status_code == 403
    assert served.client.post("/collections/others/documents", json=body).status_code == 404
    assert served.client.delete(PATH).status_code == 422
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(timeout=60) == 0
    audit = LocalAuditService(settings)
    assert audit.verify(heads="")["findings"] == []
    (record,) = [item for item in audit.show(AuditQuery()) if item.get("action") == "write"]
    assert record["subject"] == "feed"
    assert '"documents":["x"]' in json.dumps(record).replace(" ", "").replace("\\", "")


def test_a_key_writes_once_and_a_killed_process_leaves_all_or_nothing(start):
    served = start()
    first = served.write(doc("x"), key="k1").json()
    assert served.write(doc("x"), key="k1").json() == first
    assert served.write(doc("y"), key="k1").status_code == 422
    documents = [doc(f"many{number}") for number in range(60)]
    for delay_s in (0.05, 0.2, 0.5):
        key = f"killed-{delay_s}"
        sending = threading.Thread(target=lambda: _ignore_break(served, documents, key))  # noqa: B023 - joined below
        sending.start()
        time.sleep(delay_s)
        served.process.kill()
        sending.join(timeout=60)
        served = start()
        n_found = sum(name.startswith("many") for name in served.find())
        assert n_found in (0, 60)
        answer = served.write(*documents, key=key)
        assert answer.status_code == 200
        assert served.write(*documents, key=key).json() == answer.json()
        served.wait_for("many59")
        assert sum(name.startswith("many") for name in served.find()) == 60


def _ignore_break(served, documents, key):
    try:
        served.write(*documents, key=key)
    except httpx.TransportError:
        return


def test_two_processes_and_a_job_that_publish_at_once_lose_nothing(start, settings, tmp_path):
    one, two = start(), start()
    failed = []

    def send(number):
        answer = (one, two)[number % 2].write(doc(f"w{number}"))
        if answer.status_code != 200:
            failed.append(answer.text)

    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(send, number) for number in range(48)]
        job = write_lines(tmp_path / "late" / "late.jsonl", [{**NOTES[0], "_id": "late"}])
        ingest(settings, job)  # writes overtake it, and it is put on top of them
        for item in sent:
            item.result()
    assert failed == []
    wanted = {f"w{number}" for number in range(48)} | {"late"} | {note["_id"] for note in NOTES}
    assert wanted <= {name.rsplit("#")[-1] for name in find_ids(settings)}
    moves = alias_history(Collection(open_store(settings.store), "notes"), "live")
    n_commits = sum(move.reason.startswith(WRITE) for move in moves)
    assert 0 < n_commits < 48, "requests that came together were not committed together"


def test_a_time_outside_the_years_is_refused_or_stays_text_and_disturbs_no_search(start):
    served = start()
    far = {
        "created": "0001-01-01T00:00:00+05:00",
        "valid_to": "9999-12-31T23:59:59-05:00",
        "last": "9999-12-31",
    }
    assert served.write(doc("far", text="Far time memorandum.", attributes=far)).status_code == 200
    served.wait_for("far", query="memorandum")
    answer = served.client.get(PATH, params={"doc_id": "far"})
    assert answer.json()["attributes"] == far | {"last": "9999-12-31T00:00:00Z"}
    for column, value in (("created", far["created"]), ("last", "9999-12-31T00:00:00Z")):
        counted = served.client.post("/collections/notes/facets", json={"column": column}).json()
        assert [item["value"] for item in counted["values"]] == [value]
        body = {"query": "memorandum", "filter": {column: value}}
        found = served.client.post("/collections/notes/search", json=body).json()
        assert [hit["doc_id"] for hit in found["hits"]] == ["far"]
    for field in ("known_from", "event_time"):
        assert served.write(doc("no", **{field: "9999-12-31T23:59:59-05:00"})).status_code == 400
    body = {"query": "memorandum", "as_of": "9999-12-31T23:59:59-05:00"}
    assert served.client.post("/collections/notes/search", json=body).status_code == 400
    body = {"query": "memorandum", "as_of": "9999-12-31T23:59:59Z", "filter": 'known_from < "10000-01-01"'}
    assert served.client.post("/collections/notes/search", json=body).status_code == 400
