"""Many collections on Ray Serve: two with different readers, and a third that is published while it runs."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import pytest

from eagleray.contracts.callers import Role
from eagleray.contracts.services import KeyRequest
from eagleray.settings import Settings
from indexes.storage import open_store
from serve.identity.key_service import StoredKeyService
from tests.hashing_collections import publish, put_hashed_snapshot
from tests.integration.test_ray_serving import Served

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
    )
    snapshots = {name: put(settings, name, seed) for seed, name in enumerate(("notes", "bonds"))}
    keys = {"EAGLERAY_AUTH__API_KEYS": "true"}
    found = Served(folder, settings, snapshots, environment=keys, collections="*", searchers=2)
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
