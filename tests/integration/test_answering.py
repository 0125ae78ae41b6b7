"""`eagleray search-many`: files of questions on the shared cluster; killed, and while somebody publishes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eagleray.contracts.hits import SearchOptions, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.services import AnswerRequest
from eagleray.contracts.times import parse_instant
from eagleray.errors import InputError
from indexes.service import LocalIndexService
from indexes.storage import open_store
from ray_jobs.plans import questions as plans
from ray_jobs.service import RayJobService
from tests.integration.cut_runs import NOTES, ingest, note, write_lines
from tests.servers import BUCKET, run_s3_server

ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'eagleray[ray]'")
pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

EAGLERAY = Path(sys.executable).parent / "eagleray"
N_QUESTIONS = 900
GROUPED = [
    {**record, "groups": ["rates"]} if number % 4 == 0 else record for number, record in enumerate(NOTES)
]
TIMES = [None, "2019-06-01", "2021-01-01T00:00:00Z", "soon"]


@pytest.fixture
def published(cluster, settings, tmp_path):
    """Settings of a published collection of notes, some of them for a group."""
    ingest(settings, write_lines(tmp_path / "desk" / "notes.jsonl", GROUPED))
    return settings


@pytest.fixture
def asked(tmp_path):
    """A folder of two files of questions, every fourth with a bad time."""
    folder = tmp_path / "questions"
    folder.mkdir()
    rows = {
        "id": [f"q{number}" for number in range(N_QUESTIONS)],
        "query": [f"bond {number % 50} coupon" for number in range(N_QUESTIONS)],
        "as_of": [TIMES[number % 4] for number in range(N_QUESTIONS)],
        "groups": [["rates"] if number % 3 else [] for number in range(N_QUESTIONS)],
    }
    table = pa.table(rows)
    pq.write_table(table.slice(0, 500), folder / "a.parquet", row_group_size=200)
    pq.write_table(table.slice(500), folder / "b.parquet")
    return folder


def answer(settings, asked, target, **more):
    request = AnswerRequest(
        questions=str(asked),
        target=str(target),
        options=SearchOptions(k=3),
        groups=frozenset({"rates"}),
        **more,
    )
    return RayJobService(settings).answer(request, lambda stage, done, total: None)


def list_files(target):
    """Return name -> bytes of what a job leaves."""
    return {
        path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()
    }


def test_answers_are_those_of_single_searches_and_the_same_for_any_number_of_workers(
    published, asked, tmp_path
):
    jobs = published.jobs.model_copy(update={"workers": 1})
    report = answer(published, asked, tmp_path / "two")
    answer(published.model_copy(update={"jobs": jobs}), asked, tmp_path / "one")
    assert list_files(tmp_path / "one") == list_files(tmp_path / "two")
    assert (report["questions"], report["dead_letters"]) == (N_QUESTIONS, N_QUESTIONS // 4)
    assert report["partitions"] == -(-N_QUESTIONS // plans.MIN_ROWS)

    found = pq.read_table(tmp_path / "one" / "answers").to_pylist()
    letters = pq.read_table(tmp_path / "one" / "dead-letters").to_pylist()
    assert {row["id"] for row in letters} == {f"q{number}" for number in range(3, N_QUESTIONS, 4)}
    assert {row["question"] for row in found}.isdisjoint(row["question"] for row in letters)
    engine = LocalIndexService(published).open_engine(snapshot=report["snapshot"])
    for number in (0, 1, 2, 601, 602, 898):
        groups = frozenset({"rates"} if number % 3 else ())
        as_of = TIMES[number % 4]
        single = engine.search(
            SearchRequest(
                query=f"bond {number % 50} coupon",
                k=3,
                as_of=None if as_of is None else parse_instant(as_of),
                principal=Principal(subject="x", groups=groups),
                exact=True,
            )
        )
        mine = [row for row in found if row["question"] == number]
        assert {row["id"] for row in mine} <= {f"q{number}"}
        assert [(row["doc_id"], row["score"]) for row in mine] == [
            (hit.doc_id, hit.score) for hit in single.hits
        ]

    manifest = json.loads((tmp_path / "one" / "manifest.json").read_bytes())
    assert manifest["snapshot"] == report["snapshot"]
    assert sum(file["n_rows"] for file in manifest["answers"]) == len(found) == report["hits"]
    assert [file["n_rows"] for file in manifest["questions"]] == [500, 400]


def test_a_job_killed_in_the_middle_goes_on_as_if_nothing_had_been_and_on_the_same_snapshot(
    published, asked, tmp_path
):
    undisturbed = tmp_path / "undisturbed"
    expected = answer(published, asked, undisturbed)
    target = tmp_path / "killed"
    env = os.environ | {
        "RAY_AUTH_MODE": "token",
        "EAGLERAY_STORE": published.store,
        "EAGLERAY_COLLECTION": published.collection,
        "EAGLERAY_CACHE": published.cache,
        "EAGLERAY_EMBEDDER__MODEL": published.embedder.model,
        "EAGLERAY_JOBS__WORKERS": "1",
    }
    address = ray.get_runtime_context().gcs_address
    command = [str(EAGLERAY), "search-many", str(asked), str(target), "-k", "3", "--group", "rates"]
    process = subprocess.Popen(
        [*command, "--address", address], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if list(target.glob("ledger/runs/*/answer/*.json")):
            break
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=30) == -signal.SIGKILL, "the job ended before it could be killed"
    assert not (target / "manifest.json").exists()

    folder = write_lines(tmp_path / "desk" / "notes.jsonl", [*GROUPED, note(99, "bond coupon coupon")])
    assert ingest(published, folder)["snapshot"] != expected["snapshot"]
    report = answer(published, asked, target)
    assert report["answered_before"] >= 1
    assert report["snapshot"] == expected["snapshot"]
    assert list_files(target) == list_files(undisturbed)

    again = answer(published, asked, target)
    assert (again["changed"], again["answered_before"]) == (False, again["partitions"])
    assert list_files(target) == list_files(undisturbed)


def test_answers_lie_beside_a_file_but_not_in_a_folder_of_questions_nor_with_other_answers(
    published, asked, tmp_path
):
    beside = answer(published, asked / "b.parquet", asked / "beside")
    assert beside["questions"] == 400
    answer(published, asked / "a.parquet", tmp_path / "out")
    with pytest.raises(InputError, match="answers of another job"):
        answer(published, asked / "b.parquet", tmp_path / "out")
    with pytest.raises(InputError, match="among the questions"):
        answer(published, asked, asked / "out")


def test_questions_and_answers_in_a_service(published, asked, monkeypatch):
    with run_s3_server() as access:
        settings = published.model_copy(update={"s3": access})
        store = open_store(f"s3://{BUCKET}/in", s3=access)
        store.write("a.parquet", (asked / "a.parquet").read_bytes())
        for number, questions in enumerate(("in", "in/a.parquet")):
            report = answer(settings, f"s3://{BUCKET}/{questions}", f"s3://{BUCKET}/out{number}")
            assert (report["questions"], report["dead_letters"]) == (500, 125)
            target = open_store(f"s3://{BUCKET}/out{number}", s3=access)
            manifest = json.loads(target.read("manifest.json"))
            data = [target.read(file["path"]) for file in manifest["answers"]]
            found = pa.concat_tables([pq.read_table(pa.BufferReader(part)) for part in data])
            assert found.num_rows == report["hits"] > 0


def test_the_command_reports_and_refuses_in_json(cli, published, asked, tmp_path):
    ended = cli("search-many", asked, tmp_path / "out", "-k", "2", "--mode", "lexical", "--json")
    assert ended.code == 0
    assert ended.shown["questions"] == N_QUESTIONS
    letters = pq.read_table(tmp_path / "out" / "dead-letters").to_pylist()
    assert any("does not have; only --group gives groups" in row["detail"] for row in letters)
    refused = cli("search-many", tmp_path / "absent", tmp_path / "out2", "--json")
    assert (refused.code, refused.shown["error"]["type"]) == (2, "SourceError")
