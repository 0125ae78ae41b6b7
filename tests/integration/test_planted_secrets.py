"""A secret of the settings is in nothing that jobs over a service hand to workers: no payload, no task."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr

from eagleray.contracts.enrichment import WorkerResources
from eagleray.contracts.exchange import ImportRequest
from eagleray.contracts.services import AnswerRequest, IngestRequest
from ray_jobs.codebook_trainer import spread_blocks
from ray_jobs.execution import run_stage
from ray_jobs.service import RayJobService
from tests.servers import BUCKET, run_s3_server

ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'eagleray[ray]'")
pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

SECRET = "planted-secret-90c4"
KEY_ID = "planted-key-id-51d2"


class Desks:
    """Names the desk of a document; makes documents pass through the stages between parsing and arranging."""

    name = "desks"
    digest = "1"
    batch_size = 8
    resources = WorkerResources()

    def enrich(self, documents):
        return [replace(item, attributes={**item.attributes, "desk": "rates"}) for item in documents]


@pytest.fixture
def settings(cluster, settings):
    """Settings of a collection in a service that is opened with keys; small segments have inverted lists."""
    planted = {"access_key_id": SecretStr(KEY_ID), "secret_access_key": SecretStr(SECRET)}
    with run_s3_server() as access:
        more = {
            "store": f"s3://{BUCKET}/store",
            "s3": access.model_copy(update=planted),
            "index": settings.index.model_copy(update={"min_rows": 20, "n_lists": 16}),
        }
        yield settings.model_copy(update=more)


@pytest.fixture
def sent(monkeypatch):
    """What is sent to workers, by the name of its stage."""
    found = {}

    def note_stage(spec, **more):
        found.setdefault(str(spec.name), []).append(ray.cloudpickle.dumps((spec, more["ledger"])))
        return run_stage(spec, **more)

    def note_blocks(load, payloads, **more):
        found.setdefault("train", []).append(ray.cloudpickle.dumps((load, payloads)))
        return spread_blocks(load, payloads, **more)

    for module in ("runs", "dry_run", "compaction", "answer_job"):
        monkeypatch.setattr(f"ray_jobs.{module}.run_stage", note_stage)
    monkeypatch.setattr("ray_jobs.codebook_trainer.spread_blocks", note_blocks)
    return found


def put_files(folder):
    """Write notes, rows with vectors and questions into folders of their own."""
    for name in ("desk", "rows", "asked"):
        (folder / name).mkdir()
    for number in range(40):
        (folder / "desk" / f"{number}.txt").write_text(f"Bond {number} pays a coupon.")
    vectors = np.eye(20, 384, dtype=np.float32)
    rows = {
        "_id": [f"r{number}" for number in range(20)],
        "text": [f"Swap {number}." for number in range(20)],
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), 384),
    }
    pq.write_table(pa.table(rows), folder / "rows" / "a.parquet")
    pq.write_table(pa.table({"query": ["coupon of bond 3", "swap"]}), folder / "asked" / "a.parquet")


def test_what_workers_are_sent_by_any_job_names_no_secret(settings, sent, tmp_path):
    put_files(tmp_path)
    service, quiet = RayJobService(settings), lambda *step: None
    jobs = settings.jobs.model_copy(update={"enrichers": f"{__name__}:Desks"})
    enriching = RayJobService(settings.model_copy(update={"jobs": jobs}))
    assert enriching.ingest(IngestRequest(source=str(tmp_path / "desk")), quiet)["documents_new"] == 40
    (tmp_path / "desk" / "3.txt").rename(tmp_path / "desk" / "new.txt")
    assert enriching.ingest(IngestRequest(source=str(tmp_path / "desk")), quiet)["removed"] == 1
    taken = ImportRequest(source=str(tmp_path / "rows"), model="hashing", is_trusted=True)
    assert service.import_rows(taken, quiet)["rows_read"] == 20
    assert service.compact(alias="live", address="", on_progress=quiet)["made"] == 1
    asked = AnswerRequest(questions=str(tmp_path / "asked"), target=f"s3://{BUCKET}/answers")
    assert service.answer(asked, quiet)["questions"] == 2
    stages = {"ingest", "desks", "chunk", "state", "arrange", "patch", "embed", "train", "build"}
    assert {name.removeprefix("enrich-") for name in sent} >= stages | {"compact", "answer"}, sorted(sent)
    planted = (SECRET.encode(), KEY_ID.encode())
    assert all(item in ray.cloudpickle.dumps(settings.s3) for item in planted), "it could not be found at all"
    for name, pickles in sent.items():
        assert not any(item in data for data in pickles for item in planted), name
