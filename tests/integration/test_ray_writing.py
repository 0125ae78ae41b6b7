"""Documents and files written to the application of Ray Serve: found soon by every searcher, once a key."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import openai
import pytest

from eagleray.contracts.audits import AuditQuery
from eagleray.contracts.callers import Role
from eagleray.contracts.collections import Collection
from indexes.service import LocalIndexService
from indexes.snapshots.aliases import list_moves, read_alias
from indexes.storage import open_store
from indexes.writing.requests import name_key, name_request
from serve.audit.service import LocalAuditService
from tests.integration.cut_runs import NOTES, ingest, make_settings, write_lines
from tests.integration.test_ray_serving import PATH as SEARCH
from tests.integration.test_ray_serving import READY_S, Served
from tests.integration.test_writing import PATH, doc, make_key

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

N_LOOKS = 8
"""Searches that must find a document, one after another, so that both searchers were asked."""


@pytest.fixture(scope="module")
def served(cluster):
    folder = Path(tempfile.mkdtemp(prefix="erw"))  # short: Ray makes sockets below it
    settings = make_settings(folder)
    snapshot = ingest(settings, write_lines(folder / "desk" / "notes.jsonl", NOTES))["snapshot"]
    keys = {"EAGLERAY_AUTH__API_KEYS": "true"}
    found = Served(
        folder, settings, (snapshot,), environment=keys, is_development=False, searchers=2, ingresses=2
    )
    key = make_key(settings, Role.READER, Role.WRITER)
    found.client.headers["authorization"] = f"Bearer {key}"
    try:
        found.wait_until_ready(240)
        write(found, doc("warm"))
        yield found
    finally:
        found.end()
        shutil.rmtree(folder, ignore_errors=True)


def write(served, *documents, key=None, name=None, timeout=90):
    """Write documents over a new connection, so that either ingress may get the request."""
    headers = {"authorization": served.client.headers["authorization"]}
    headers |= {"idempotency-key": key} if key else {}
    headers |= {"x-request-id": name} if name else {}
    body = {"documents": list(documents)}
    return httpx.post(f"{served.url}{PATH}", json=body, headers=headers, timeout=timeout)


def find(served, query="bond coupon"):
    answer = served.client.post(SEARCH, json={"query": query, "k": 500})
    return {hit["doc_id"]: hit["text"] for hit in answer.json()["hits"]}


def wait_for(served, doc_id):
    """Wait until searches find a document, whichever searcher is asked; return when they first did so."""
    until, n_seen, since = time.monotonic() + 30, 0, time.monotonic()
    while n_seen < N_LOOKS:
        assert time.monotonic() < until
        if doc_id in find(served):
            n_seen += 1
        else:
            n_seen, since = 0, time.monotonic()
    return since


def list_alias_moves(served):
    store = open_store(served.settings.store)
    return list_moves(
        Collection(store, "notes"),
        "live",
        after=0,
        until=read_alias(Collection(store, "notes"), "live").sequence,
    )


def list_written(served):
    """Return the names of requests, as often as moves of the alias carried them out."""
    reasons = [move.reason.split(" ") for move in list_alias_moves(served)]
    return [name for first, *names in reasons if first == "write" for name in names]


def test_documents_are_found_within_two_seconds_replaced_and_removed(served):
    took = []
    for number in range(5):
        started = time.monotonic()
        answer = write(served, doc(f"x{number}", attributes={"year": 2024}))
        answered_s = time.monotonic() - started
        assert answer.json()["written"] == 1, answer.text
        assert answer.json()["is_searchable"] is True
        assert all(f"x{number}" in find(served) for _ in range(N_LOOKS)), "a searcher does not find it"
        took.append(round(answered_s, 2))
    sys.stdout.write(f"\nanswered and searchable (s): {took}\n")
    assert statistics.median(took) < 2.0, "one may wait for what else the machine does"
    write(served, doc("x0", text="Bond defaults."))
    assert served.client.delete(PATH, params={"doc_id": ["x1", "nobody"]}).json()["removed"] == 2
    started = time.monotonic()
    while "x1" in (found := find(served)) or "defaults" not in found["x0"]:
        assert time.monotonic() - started < 5
    assert LocalIndexService(served.settings).run_gate(snapshot="live")["passed"]


def test_errors_are_those_of_one_process(served):
    reader = {"authorization": f"Bearer {make_key(served.settings, Role.READER, subject='other')}"}
    body = {"documents": [doc("y")]}
    write(served, doc("y"), key="used")
    cases = [
        (served.client.post(PATH, json=body, headers=reader), 403, "forbidden"),
        (served.client.post("/collections/others/documents", json=body), 404, "not-published"),
        (write(served, {"doc_id": "bad", "text": " "}), 400, "document"),
        (write(served, doc("z"), key="used"), 422, "reused-key"),
        (served.client.get("/v1/files/file-0", headers=reader), 404, ""),
    ]
    for answer, status, kind in cases:
        assert (answer.status_code, kind in answer.text) == (status, True), answer.text


def find_name(served, key):
    """Return the name of the request that holds a key of the feed."""
    held = name_key("feed", key)
    begun = Path(served.settings.store, "notes", "writes", held, "begun.json")
    return name_request(held, json.loads(begun.read_bytes())["digest"])


def test_requests_to_two_ingresses_share_rounds_and_a_key_is_carried_out_once(served):
    n_written, n_moves = len(list_written(served)), len(list_alias_moves(served))
    with ThreadPoolExecutor(12) as pool:
        sent = [
            (number, pool.submit(write, served, doc(f"w{number}"), key=f"w{number}"))
            for number in range(24)
            for _ in range(2)
        ]
        answers = {}
        for number, item in sent:
            answers.setdefault(number, []).append(item.result())
    assert all(answer.status_code == 200 for pair in answers.values() for answer in pair)
    assert all(one.json() == other.json() for one, other in answers.values())
    names = list_written(served)
    assert [names.count(find_name(served, f"w{number}")) for number in range(24)] == [1] * 24
    assert len(names) == n_written + 24
    assert len(list_alias_moves(served)) < n_moves + 24
    wait_for(served, "w23")
    assert {f"w{number}" for number in range(24)} <= find(served).keys()


@pytest.mark.parametrize("delay_s", [0.02, 0.06, 0.1])
def test_a_killed_writer_leaves_all_or_nothing_and_a_key_is_carried_out_once(served, delay_s):
    key = f"killed-{delay_s}"
    documents = [doc(f"{key}-{number}") for number in range(60)]
    begun = Path(served.settings.store, "notes", "writes", name_key("feed", key), "begun.json")
    until = time.monotonic() + 30
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(write, served, *documents, key=key)
        while not begun.exists():
            assert time.monotonic() < until
            time.sleep(0.001)
        time.sleep(delay_s)
        served.kill("ray::ServeReplica:eagleray:Writer")
        sys.stdout.write(f"\nanswered when the writer was killed: {sent.done()}\n")
        answer = sent.result()
    assert answer.status_code == 200, answer.text
    assert write(served, *documents, key=key).json() == answer.json()
    assert list_written(served).count(find_name(served, key)) == 1
    wait_for(served, f"{key}-59")
    assert sum(name.startswith(key) for name in find(served)) == 60


def test_without_a_writer_a_request_without_a_key_is_told_so_and_searches_go_on(served):
    with ThreadPoolExecutor(1) as pool:
        served.kill("ray::ServeReplica:eagleray:Writer")
        sent = pool.submit(write, served, doc("lone"))
        while not sent.done():
            assert served.client.post(SEARCH, json={"query": "bond"}).status_code == 200
        answer = sent.result()
    assert answer.status_code in (200, 503), answer.text
    if answer.status_code == 503:
        assert answer.headers["retry-after"]
    until = time.monotonic() + READY_S
    while write(served, doc("lone")).status_code != 200:
        assert time.monotonic() < until
        time.sleep(0.5)
    wait_for(served, "lone")


def test_a_caller_who_goes_away_leaves_no_write_without_a_record(served):
    n_gone = 0
    for number in range(12):
        try:
            write(served, doc(f"gone-{number}"), name=f"gone-{number}", timeout=0.02 * (number % 6 + 1))
        except httpx.TimeoutException:
            n_gone += 1
    time.sleep(5.0)  # what was begun ends
    written = {name for name in find(served) if name.startswith("gone-")}
    sys.stdout.write(f"\n{n_gone} went away, {len(written)} of 12 were written\n")
    assert n_gone
    assert written
    until = time.monotonic() + 20.0  # records wait a second at most to be stored
    while missing := written - find_recorded(served):
        assert time.monotonic() < until, missing
        time.sleep(0.5)


def find_recorded(served):
    """Return the names of requests that wrote, as the log tells."""
    records = LocalAuditService(served.settings).show(AuditQuery())
    return {item["request_id"] for item in records if item.get("action") == "write" and item["snapshot"]}


def test_files_are_attached_found_at_once_by_every_searcher_and_deleted(served):
    key = served.client.headers["authorization"].removeprefix("Bearer ")
    with openai.OpenAI(api_key=key, base_url=f"{served.url}/v1", max_retries=0) as ann:
        store = ann.vector_stores.create(name="desk")
        text = b"# Gilts\n\nThe zebracoupon is paid in June.\n"
        ids = []
        for number in range(4):
            started = time.monotonic()
            file = ann.vector_stores.files.upload_and_poll(
                vector_store_id=store.id, file=(f"{number}.md", text), attributes={"year": 2020 + number}
            )
            assert file.status == "completed"
            sys.stdout.write(f"\nattached in {time.monotonic() - started:.2f} s\n")
            ids.append(file.id)
            for _ in range(N_LOOKS):
                hits = ann.vector_stores.search(store.id, query="zebracoupon").data
                assert {hit.file_id for hit in hits} == set(ids)
        wanted = {"type": "eq", "key": "year", "value": 2022}
        (hit,) = ann.vector_stores.search(store.id, query="zebracoupon", filters=wanted).data
        assert hit.filename == "2.md"
        ann.files.delete(ids[0])
        for _ in range(N_LOOKS):
            hits = ann.vector_stores.search(store.id, query="zebracoupon").data
            assert {hit.file_id for hit in hits} == set(ids[1:])
        started = time.monotonic()
        long = b"A long line about a zebracoupon.\n" * 150_000
        file = ann.files.create(file=("long.txt", long), purpose="user_data")
        assert ann.files.content(file.id).content == long
        sys.stdout.write(f"\n{len(long)} bytes up and down in {time.monotonic() - started:.2f} s\n")
    assert not any("zebracoupon" in text for text in find(served, "zebracoupon").values())


def test_every_chain_of_the_log_verifies(served):
    audit = LocalAuditService(served.settings)
    wanted = {"upload_file", "delete_file", "create_vector_store", "write", "search"}
    missing, deadline = wanted, time.monotonic() + READY_S
    while missing and time.monotonic() < deadline:  # records wait a second on an idle machine to be stored
        time.sleep(1.0)
        missing = wanted - {item.get("action") for item in audit.show(AuditQuery(subject="feed"))}
    assert missing == set()
    assert audit.verify(heads="")["findings"] == []
