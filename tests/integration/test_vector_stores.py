"""Files uploaded to a serving process by OpenAI's client: found at once, by their owner alone, recorded."""

from __future__ import annotations

import signal

import openai
import pytest

from eagleray.contracts.audits import AuditQuery
from eagleray.contracts.callers import Role
from indexes.service import LocalIndexService
from serve.audit.service import LocalAuditService
from tests.integration.cut_runs import NOTES, ingest, write_lines
from tests.integration.test_writing import Process, make_key

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices


@pytest.fixture
def served(cluster, settings, tmp_path):
    """Serve the notes; the process is ended with the test."""
    ingest(settings, write_lines(tmp_path / "desk" / "notes.jsonl", NOTES))
    process = Process(settings, make_key(settings, Role.READER, Role.WRITER, subject="ann"))
    yield process
    process.process.kill()
    process.process.wait(timeout=30)
    process.process.stdout.close()
    process.client.close()


def test_uploads_are_found_by_their_owner_alone_and_stand_in_the_log(served, settings):
    ben_key = make_key(settings, Role.READER, Role.WRITER, subject="ben")
    ann_key = served.client.headers["authorization"].removeprefix("Bearer ")
    url = f"{str(served.client.base_url).rstrip('/')}/v1"
    with (
        openai.OpenAI(api_key=ann_key, base_url=url, max_retries=0) as ann,
        openai.OpenAI(api_key=ben_key, base_url=url, max_retries=0) as ben,
    ):
        store = ann.vector_stores.create(name="desk")
        note = ("gilts.md", b"# Gilts\n\nThe zebracoupon is paid in June.\n")
        file = ann.vector_stores.files.upload_and_poll(
            vector_store_id=store.id, file=note, attributes={"year": 2024}
        )
        assert file.status == "completed"
        wanted = {"type": "eq", "key": "year", "value": 2024}
        (hit,) = ann.vector_stores.search(store.id, query="zebracoupon", filters=wanted).data
        assert (hit.file_id, hit.filename, hit.attributes) == (file.id, "gilts.md", {"year": 2024})
        with pytest.raises(openai.NotFoundError):
            ben.vector_stores.search(store.id, query="zebracoupon")
        assert not any("zebracoupon" in text for text in served.find("zebracoupon").values())
        batch = ann.vector_stores.file_batches.upload_and_poll(
            store.id, files=[("a.txt", b"A zebracoupon."), ("b.txt", b"B zebracoupon.")]
        )
        assert batch.file_counts.completed == 2
        assert len(ann.vector_stores.search(store.id, query="zebracoupon").data) == 3
        ann.files.delete(file.id)
        assert len(ann.vector_stores.search(store.id, query="zebracoupon").data) == 2
        assert list(ben.files.list()) == []
        assert len(list(ann.files.list())) == 2
    assert LocalIndexService(settings).run_gate(snapshot="live")["passed"]
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(timeout=60) == 0
    audit = LocalAuditService(settings)
    assert audit.verify(heads="")["findings"] == []
    records = list(audit.show(AuditQuery(subject="ann")))
    actions = {item.get("action") for item in records}
    assert {"upload_file", "delete_file", "create_vector_store", "write", "search"} <= actions
    searches = [item for item in records if item.get("action") == "search"]
    assert any("eagleray:subject:ann" in item["groups"] for item in searches), searches
    replayed = audit.replay(AuditQuery(subject="ann"))
    assert replayed["different"] == []
    assert replayed["same"] >= 3
