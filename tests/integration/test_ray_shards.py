"""`serve run` with a snapshot's segments shared out over shards: asked, published to, and a shard killed."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from itertools import product
from pathlib import Path

import pytest

from eagleray.contracts.answers import show_response
from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import SearchMode, SearchRequest
from indexes.masks.grammar import parse_filter
from indexes.service import LocalIndexService
from indexes.snapshots.catalog import load_snapshot
from indexes.storage import open_store
from tests.integration.cut_runs import NOTES, ingest, make_settings, write_lines
from tests.integration.test_ray_serving import QUESTION, READY_S, Load, Served

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

MOMENT = ("2020-06-01T00:00:00Z", 1_590_969_600_000_000)
FILTER = 'doc_id < "n2"'
SEGMENT_ROWS = 8


@pytest.fixture(scope="module")
def served(cluster):
    folder = Path(tempfile.mkdtemp(prefix="ess"))  # short: Ray makes sockets below it
    settings = make_settings(folder, partition_bytes=1024, shard_bytes=1024, max_segment_rows=SEGMENT_ROWS)
    first = ingest(settings, write_lines(folder / "desk" / "notes.jsonl", NOTES))["snapshot"]
    changed = [{**note, "text": note["text"] + " Called."} for note in NOTES[:20]]
    for note in changed:
        note["known_from"] = "2021-01-01T00:00:00Z"
    second = ingest(settings, write_lines(folder / "desk" / "notes.jsonl", changed))["snapshot"]
    found = Served(folder, settings, (first, second), n_cpus=4, shards=2, searchers=2)
    try:
        found.wait_until_ready(240)
        yield found
    finally:
        found.end()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def engines(served):
    """The snapshots, each opened whole in this process."""
    return {
        snapshot: LocalIndexService(served.settings).open_engine(snapshot=snapshot)
        for snapshot in served.snapshots
    }


def show(engine, request):
    """Return an engine's answer as HTTP shows it."""
    shown = json.loads(json.dumps(show_response(engine.search(request), is_explained=False)))
    for hit in shown["hits"]:
        hit["chunk_id"] = str(hit["chunk_id"])
    return shown


def test_answers_are_those_of_the_whole_snapshot_to_the_bit(served, engines):
    for snapshot in served.snapshots:
        assert (
            len(load_snapshot(Collection(open_store(served.settings.store), "notes"), snapshot).segments) > 2
        )
    cases = product(served.snapshots, SearchMode, ("", FILTER), (None, MOMENT))
    for snapshot, mode, text, moment in cases:
        asked = {"snapshot": snapshot, "mode": mode.value}
        asked |= {"filter": text} if text else {}
        asked |= {"as_of": moment[0]} if moment else {}
        request = SearchRequest(
            **QUESTION,
            mode=mode,
            filter=parse_filter(text) if text else None,
            as_of=moment[1] if moment else None,
        )
        expected = show(engines[snapshot], request)
        assert expected["hits"]
        assert served.search(**asked).json() == expected


def test_documents_like_one_are_those_of_the_whole_snapshot(served, engines):
    whole = engines[served.snapshots[1]]
    name = whole.search(SearchRequest(**QUESTION)).hits[3].doc_id
    asked = {"query": "", "like": name, "k": 5, "snapshot": served.snapshots[1]}
    expected = show(whole, SearchRequest(query="", like=name, k=5))
    assert expected["hits"]
    assert served.search(**asked).json() == expected


def test_errors_are_those_of_one_process(served):
    cases = [
        (served.search(filter="year >"), 400, "filter"),
        (served.search(filter="nothing = 3"), 400, "filter"),
        (served.search(snapshot="0" * 64), 404, "not-published"),
    ]
    for answer, status, kind in cases:
        assert (answer.status_code, kind in answer.json()["type"]) == (status, True), answer.text


def test_each_answer_is_of_one_snapshot_while_it_moves_there_and_back_and_a_shard_is_killed(served, engines):
    expected = {snapshot: show(engine, SearchRequest(**QUESTION)) for snapshot, engine in engines.items()}
    moved = []
    with Load(served) as load:
        for number in range(3):
            served.publish(served.snapshots[number % 2])
            moved.append((time.monotonic(), served.snapshots[number % 2]))
            time.sleep(5.0)
        LocalIndexService(served.settings).rollback(alias="live")
        time.sleep(3.0)
        seen = {answer["snapshot"] for _, answer in load.answers}
        failed, n_before = list(load.failed), len(load.answers)
        served.kill("ray::ServeReplica:eagleray:Shard0")
        time.sleep(3.0)
        served.wait_until_ready(READY_S)
        n_between = len(load.answers)
        time.sleep(2.0)
        is_answering = len(load.answers) > n_between
    assert not failed
    assert n_before
    assert seen == set(served.snapshots)
    assert is_answering
    assert not load.failed
    assert all(answer == expected[answer["snapshot"]] for _, answer in load.answers)
    for (at, snapshot), until in zip(moved, [at for at, _ in moved[1:]], strict=False):
        settled = {answer["snapshot"] for begun, answer in load.answers if at + 3.0 < begun < until - 0.5}
        assert settled == {snapshot}


def test_files_and_documents_that_are_written_are_found_through_the_merger(served):
    post = served.client.post
    store_id = post("/v1/vector_stores", json={"name": "desk"}).json()["id"]
    for number in range(1, 4):
        file = {"file": (f"{number}.txt", b"A zebracoupon."), "purpose": (None, "assistants")}
        file_id = post("/v1/files", files=file).json()["id"]
        attached = post(f"/v1/vector_stores/{store_id}/files", json={"file_id": file_id})
        assert attached.json()["status"] == "completed", attached.text
        hits = post(f"/v1/vector_stores/{store_id}/search", json={"query": "zebracoupon"}).json()["data"]
        assert len(hits) == number
    written = post("/collections/notes/documents", json={"documents": [{"doc_id": "x", "text": "A bond."}]})
    until = time.monotonic() + 30.0
    while (answer := served.search().json())["snapshot"] != written.json()["snapshot"]:
        assert time.monotonic() < until
    assert "x" in {hit["doc_id"] for hit in answer["hits"]}
