"""Many collections on Ray Serve, with different readers, and replies that stream from a feature of a test."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from pathlib import Path

import httpx
import pytest

from eagleray.contracts.audits import AuditQuery
from eagleray.contracts.callers import Role
from eagleray.contracts.services import KeyRequest
from eagleray.settings import Settings
from indexes.storage import open_store
from serve.audit.entries import CANCELLED, OK
from serve.audit.service import LocalAuditService
from serve.identity.key_service import StoredKeyService
from tests.contract.features.toy_tellings import N_PIECES, PAUSE_S
from tests.hashing_collections import publish, put_hashed_snapshot
from tests.integration.test_ray_serving import Served
from tests.unit.serve.composition.test_hidden_collections import HIDDEN, SEEN, list_requests, strip

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own deprecation notices

QUESTION = {"query": "swap curve", "k": 3}


def make_key(settings, *collections, role=Role.READER):
    """Return the headers of somebody who may see these collections; every one where none is given."""
    wanted = KeyRequest(
        subject="desk", roles=frozenset({role}), zones=None, collections=frozenset(collections) or None
    )
    return {"authorization": f"Bearer {StoredKeyService(settings).create(wanted)['key']}"}


def put(settings, name, seed):
    """Publish a collection, and return its snapshot."""
    store = open_store(settings.store)
    snapshot = put_hashed_snapshot(store, seed=seed, n_documents=12, name=name)
    publish(store, snapshot, name)
    return snapshot


@pytest.fixture(scope="module")
def served():
    folder = Path(tempfile.mkdtemp(prefix="erc"))  # short: Ray makes sockets below it
    settings = Settings(
        store=str(folder / "store"),
        collection="notes",
        cache=str(folder / "cache"),
        embedder={"model": "hashing"},
        serve={"features": "tests.contract.features.toy_tellings:TOY"},
    )
    snapshots = {name: put(settings, name, seed) for seed, name in enumerate(("notes", "bonds"))}
    environment = {
        "EAGLERAY_AUTH__API_KEYS": "true",
        "EAGLERAY_AUDIT__FLUSH_S": "0.05",
        "EAGLERAY_SERVE__FEATURES": settings.serve.features,
        "PYTHONPATH": str(Path(__file__).parents[2]),  # the feature is of this folder
    }
    found = Served(
        folder,
        settings,
        snapshots,
        environment=environment,
        collections="*",
        searchers=2,
    )
    try:
        found.wait_until_ready(240)
        yield found
    finally:
        found.end()
        shutil.rmtree(folder, ignore_errors=True)


def search(served, name, key):
    return served.client.post(f"/collections/{name}/search", json=QUESTION, headers=key)


def list_names(served, key):
    shown = served.client.get("/collections", headers=key).json()["collections"]
    return [one["name"] for one in shown]


def test_each_is_answered_to_its_own_readers_and_is_not_there_for_others(served):
    keys = {name: make_key(served.settings, name) for name in served.snapshots}
    for name, key in keys.items():
        found = search(served, name, key)
        assert (found.status_code, found.json()["snapshot"]) == (200, served.snapshots[name]), found.text
        assert list_names(served, key) == [name]
        (other,) = served.snapshots.keys() - {name}
        hidden, missing = (search(served, one, key).json() for one in (other, "nothing"))
        assert (hidden["status"], missing["status"]) == (404, 404)
        assert hidden["detail"].replace(other, "") == missing["detail"].replace("nothing", "")


def test_nothing_tells_a_caller_of_one_that_there_is_another(served):
    foreign = served.snapshots[HIDDEN]
    admin, reader = (make_key(served.settings, SEEN, role=role) for role in (Role.ADMIN, Role.READER))

    def ask(method, path, sent, key=admin):
        return served.client.request(method, path, json=sent, headers=key)

    for method, path, sent in list_requests(foreign):
        body = json.dumps(sent)
        if f"/{HIDDEN}" in path or HIDDEN in body:
            hidden = ask(method, path, sent)
            missing = ask(
                method, path.replace(HIDDEN, "nothing"), json.loads(body.replace(HIDDEN, "nothing"))
            )
            assert strip(hidden) == strip(missing, "nothing"), (method, path)
        else:
            answer = ask(method, path, sent, reader)
            assert HIDDEN not in answer.text, (method, path)
            assert foreign not in path or answer.status_code in (403, 404), (method, path, answer.text)


def test_a_third_is_found_while_it_runs_and_written_to(served):
    snapshot, reader = put(served.settings, "swaps", 9), make_key(served.settings, "swaps")
    ends = time.monotonic() + 90
    while (found := search(served, "swaps", reader)).status_code == 404:
        assert time.monotonic() < ends
        time.sleep(0.2)
    assert (found.status_code, found.json()["snapshot"]) == (200, snapshot)
    sent = {"documents": [{"doc_id": "new", "text": "a zebra"}]}
    writer = make_key(served.settings, "swaps", role=Role.WRITER)
    wrote = served.client.post("/collections/swaps/documents", json=sent, headers=writer)
    assert wrote.status_code == 200, wrote.text
    assert search(served, "notes", make_key(served.settings)).json()["snapshot"] == served.snapshots["notes"]
    assert list_names(served, make_key(served.settings)) == ["notes", "bonds", "swaps"]


def test_one_that_is_removed_while_it_runs_goes_away_and_is_written_to_when_it_comes_again(served):
    reader, writer = make_key(served.settings, "gone"), make_key(served.settings, "gone", role=Role.WRITER)

    def wait_for(status, snapshot=None):
        """Ask until it is so: a replica that has not looked since may answer from what it had before."""
        ends = time.monotonic() + 90
        while True:
            found = search(served, "gone", reader)
            if found.status_code == status and found.json().get("snapshot") == snapshot:
                return
            assert time.monotonic() < ends, found.text
            time.sleep(0.2)

    for seed in (11, 12):
        wait_for(200, put(served.settings, "gone", seed))
        sent = {"documents": [{"doc_id": "new", "text": "a zebra"}]}
        wrote = served.client.post("/collections/gone/documents", json=sent, headers=writer)
        assert wrote.status_code == 200, wrote.text
        store = Path(served.settings.store)
        (store / "gone").rename(store.parent / f"aside-{seed}")  # at once; logs may still be written
        wait_for(404)
        assert "gone" not in list_names(served, make_key(served.settings))
        assert served.client.get("/health/ready").status_code == 200


def tell(served, how, name):
    """Ask the feature of this test; its request has a name."""
    headers = make_key(served.settings) | {"x-request-id": name}
    return served.client.stream("GET", f"/collections/notes/tellings/{how}", headers=headers)


def wait_for_end(served, name):
    """Return what the log shows of a request once it has an end: exactly one beginning, and one end."""
    audit = LocalAuditService(served.settings)
    ends = time.monotonic() + 60
    while True:
        rows = [row for row in audit.show(AuditQuery(action="telling")) if row["request_id"] == name]
        if len(rows) > 1:
            break
        assert time.monotonic() < ends, rows
        time.sleep(0.1)
    time.sleep(0.5)  # a second end would come now
    again = [row for row in audit.show(AuditQuery(action="telling")) if row["request_id"] == name]
    begun, ended = again
    assert begun["status"] == "begun"
    assert audit.verify(heads="")["findings"] == []
    return ended


def test_pieces_of_a_reply_come_one_by_one_and_a_whole_one_leaves_one_record(served):
    with tell(served, "whole", "r-whole") as answer:
        assert (answer.status_code, answer.headers["content-type"]) == (
            200,
            "text/event-stream; charset=utf-8",
        )
        assert answer.headers.get_list("x-request-id") == ["r-whole"]
        came = [(piece, time.monotonic()) for piece in answer.iter_raw()]
    assert b"".join(piece for piece, _ in came).endswith(b"data: 5\n\ndata: [DONE]\n\n")
    assert len(came) >= N_PIECES
    assert came[-1][1] - came[0][1] > PAUSE_S * (N_PIECES - 2), "they came in one lump"
    ended = wait_for_end(served, "r-whole")
    assert (ended["status"], len(ended["hits"])) == (OK, N_PIECES)


def test_a_reply_whose_reader_goes_away_is_cancelled_with_what_was_given(served):
    with tell(served, "goes-on", "r-gone") as answer:
        assert next(answer.iter_raw()) == b"data: 1\n\n"
    ended = wait_for_end(served, "r-gone")
    assert ended["status"] == CANCELLED
    assert ended["hits"]


def test_a_reply_that_fails_half_way_is_cut_and_says_what_was_given(served):
    with tell(served, "fails", "r-fails") as answer, pytest.raises(httpx.RemoteProtocolError):
        assert answer.status_code == 200
        answer.read()
    ended = wait_for_end(served, "r-fails")
    assert (ended["status"], len(ended["hits"])) == ("StoreError", 3)
