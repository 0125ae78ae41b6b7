"""`eagleray serve` as a process of its own: asked while others publish, told to end, killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import numpy as np
import pytest

from eagleray.contracts.audits import AuditQuery
from eagleray.contracts.callers import Role
from eagleray.contracts.services import KeyRequest
from eagleray.embedders import open_embedder
from indexes.service import LocalIndexService
from serve.audit.service import LocalAuditService
from serve.identity.key_service import StoredKeyService
from tests.integration.cut_runs import NOTES, ingest, write_lines

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

EAGLERAY = Path(sys.executable).parent / "eagleray"
QUESTION = {"query": "bond coupon", "k": 100}


class Process:
    """A serving process and its URL."""

    def __init__(self, settings, *, api_keys):
        env = os.environ | {
            "EAGLERAY_STORE": settings.store,
            "EAGLERAY_COLLECTION": settings.collection,
            "EAGLERAY_CACHE": settings.cache,
            "EAGLERAY_EMBEDDER__MODEL": settings.embedder.model,
            "EAGLERAY_AUTH__API_KEYS": str(api_keys),
            "EAGLERAY_AUDIT__QUESTIONS": "text",
        }
        options = [] if api_keys else ["--development"]
        self.process = subprocess.Popen(
            [str(EAGLERAY), "serve", "--port", "0", "--json", *options],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        line = self.process.stdout.readline()
        assert line, f"ended with {self.process.wait(timeout=30)} before it was ready"
        self.url = json.loads(line)["url"]
        self.client = httpx.Client(base_url=self.url, timeout=30)

    def search(self, headers=None):
        return self.client.post("/collections/notes/search", json=QUESTION, headers=headers)

    def end(self, number=signal.SIGTERM):
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


@pytest.fixture
def start(cluster, settings, tmp_path):
    """Serve the notes; every process is ended with the test."""
    ingest(settings, write_lines(tmp_path / "desk" / "notes.jsonl", NOTES))
    started = []

    def run(*, api_keys=False):
        started.append(Process(settings, api_keys=api_keys))
        return started[-1]

    yield run
    for item in started:
        item.process.kill()
        item.process.wait(timeout=30)
        item.process.stdout.close()
        item.client.close()


def wait_until_served(served, snapshot):
    """Ask until a process answers from a snapshot."""
    for _ in range(1_000):
        if served.client.get("/health/ready").json()["snapshot"] == snapshot:
            return
    pytest.fail("the alias moved, and the process did not follow")


def test_publishes_and_rollbacks_fail_no_request_and_each_answer_is_of_one_snapshot(
    start, settings, tmp_path
):
    served = start()
    first = served.search().json()
    changed = [{**note, "text": note["text"] + " It was called early."} for note in NOTES[:20]]
    for note in changed:
        note["known_from"] = "2021-01-01T00:00:00Z"
    second = ingest(settings, write_lines(tmp_path / "desk" / "notes.jsonl", changed))["snapshot"]
    service, is_over, seen, failed = LocalIndexService(settings), threading.Event(), {}, []

    def ask_on():
        with httpx.Client(base_url=served.url, timeout=30) as client:
            while not is_over.is_set():
                answer = client.post("/collections/notes/search", json=QUESTION)
                if answer.status_code != 200:
                    failed.append(answer.text)
                    continue
                told = answer.json()
                seen.setdefault(told["snapshot"], set()).add(json.dumps(told["hits"], sort_keys=True))

    clients = [threading.Thread(target=ask_on) for _ in range(4)]
    for client in clients:
        client.start()
    for number in range(6):
        if number % 2:
            service.publish(snapshot=second, alias="live")
        else:
            service.rollback(alias="live")
        wait_until_served(served, first["snapshot"] if number % 2 == 0 else second)
    is_over.set()
    for client in clients:
        client.join(timeout=30)
    assert not failed
    assert set(seen) == {first["snapshot"], second}
    assert {len(answers) for answers in seen.values()} == {1}
    assert seen[first["snapshot"]] == {json.dumps(first["hits"], sort_keys=True)}


def test_told_to_end_it_answers_what_has_begun_and_ends_as_a_success(start):
    served = start()
    answers = []
    asking = [threading.Thread(target=lambda: answers.append(served_search(served.url))) for _ in range(8)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join(timeout=30)
    assert served.end() == 0
    assert answers == [200] * 8
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{served.url}/health/live", timeout=5)


def served_search(url):
    return httpx.post(f"{url}/collections/notes/search", json=QUESTION, timeout=30).status_code


def test_a_killed_process_leaves_nothing_that_keeps_the_next_from_serving(start):
    served = start()
    before = served.search().json()
    assert served.end(signal.SIGKILL) == -signal.SIGKILL
    assert start().search().json() == before


def test_callers_are_known_by_their_keys_and_find_what_their_groups_may_read(start, settings, tmp_path):
    secret = [{**NOTES[0], "_id": "secret", "groups": ["desk"], "text": "Bond 99 pays a secret coupon."}]
    ingest(settings, write_lines(tmp_path / "other" / "notes.jsonl", secret))
    keys = StoredKeyService(settings)
    roles, zones = frozenset({Role.READER}), None
    made = {
        name: keys.create(KeyRequest(subject=name, roles=roles, groups=groups, zones=zones))
        for name, groups in (("desk", frozenset({"desk"})), ("other", frozenset({"other"})))
    }
    served = start(api_keys=True)

    def find(name):
        answer = served.search(headers={"authorization": f"Bearer {made[name]['key']}"})
        assert answer.status_code == 200, answer.text
        return {hit["doc_id"] for hit in answer.json()["hits"]}

    assert "secret" in find("desk")
    assert "secret" not in find("other")
    assert served.search().status_code == 401
    assert served.client.get("/metrics").status_code == 401
    shown = served.client.get("/metrics", headers={"authorization": f"Bearer {made['desk']['key']}"}).text
    assert 'eagleray_searches_total{kind="search",outcome="answered"} 2.0' in shown
    assert "eagleray_audit_is_failing 0.0" in shown
    keys.revoke(key_id=made["desk"]["key_id"])
    assert served.search(headers={"authorization": f"Bearer {made['desk']['key']}"}).status_code == 401


def test_what_was_answered_can_be_verified_and_replayed_after_a_publish(start, settings, tmp_path):
    served = start()
    asked = [served.search({"x-request-id": f"trace-{number}"}) for number in range(20)]
    answers = [answer.json() for answer in asked]
    base, batch = "/collections/notes", {"questions": [QUESTION, {"query": "coupon", "mode": "lexical"}]}
    named = {"doc_id": answers[0]["hits"][0]["doc_id"]}
    assert served.client.post(f"{base}/search/batch", json=batch).status_code == 200
    assert served.client.post(f"{base}/facets", json={"column": "source"}).status_code == 200
    assert served.client.get(f"{base}/documents", params=named).status_code == 200
    changed = [{**note, "text": note["text"] + " Called."} for note in NOTES[:20]]
    for note in changed:
        note["known_from"] = "2021-01-01T00:00:00Z"
    ingest(settings, write_lines(tmp_path / "desk" / "notes.jsonl", changed))
    assert served.end() == 0
    audit = LocalAuditService(settings)
    verified = audit.verify(heads="")
    assert (verified["findings"], verified["unfinished"]) == ([], [])
    records = [record for record in audit.show(AuditQuery()) if record["kind"] == "request"]
    actions = [record["action"] for record in records]
    assert actions == [*["search"] * 22, "facets", "document"]
    assert records[20]["request_id"] == records[21]["request_id"]
    records = records[:20]
    assert [record["request_id"] for record in records] == [f"trace-{number}" for number in range(20)]
    shown = [[hit["doc_id"] for hit in record["hits"]] for record in records]
    assert shown == [[hit["doc_id"] for hit in answer["hits"]] for answer in answers]
    replayed = audit.replay(AuditQuery())
    assert (replayed["same"], replayed["different"]) == (24, [])


def test_a_process_that_nobody_could_ask_does_not_start(settings):
    command = [str(EAGLERAY), "serve", "--port", "0", "--store", settings.store]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 2
    assert "--development" in ended.stderr


def test_the_model_that_answers_questions_gives_its_vectors(start, settings):
    client = start().client
    model, *_ = client.get("/v1/models").json()["data"]
    texts = ["bond coupon", "swap"]
    answer = client.post("/v1/embeddings", json={"model": model["id"], "input": texts}).json()
    vectors = np.array([row["embedding"] for row in answer["data"]], dtype=np.float32)
    assert np.allclose(vectors, open_embedder(settings.embedder).embed_passages(texts), atol=1e-6)
