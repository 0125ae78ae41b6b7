from __future__ import annotations

import json
import logging

import pytest

from eagleray.contracts.hits import SearchRequest
from eagleray.contracts.services import IngestRequest
from eagleray.errors import SourceError
from eagleray.logs import NAME
from indexes.service import LocalIndexService
from ray_jobs.service import RayJobService

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices
MARKER = "zanzibarquartz"


def ingest(settings, folder):
    return RayJobService(settings).ingest(IngestRequest(source=str(folder)), lambda stage, done, total: None)


def note(doc_id, **more):
    return {"_id": doc_id, "known_from": "2020-01-01", **more}


def test_a_run_and_a_search_log_their_steps_and_never_a_word_of_the_documents(
    cluster, settings, write_notes, caplog
):
    folder = write_notes([note("a", title=MARKER, text=f"{MARKER} {MARKER}."), note(MARKER, title=MARKER)])
    with caplog.at_level(logging.DEBUG):
        report = ingest(settings, folder)
        engine = LocalIndexService(settings).open_engine(snapshot="live")
        assert engine.search(SearchRequest(query=MARKER)).hits[0].doc_id == "a"
    events = [record.msg for record in caplog.records if record.name == NAME]
    stages = [event["stage"] for event in events if event["event"] == "stage_finished"]
    assert stages == ["ingest", "arrange", "embed", "build"]
    others = [event for event in events if event["event"] != "stage_finished"]
    assert [event["event"] for event in others] == [
        "run_begun",
        "gate_passed",
        "alias_moved",
        "dead_letters",
        "run_ended",
        "snapshot_opened",
    ]
    assert {event["collection"] for event in events} == {"notes"}
    assert {event["snapshot"] for event in others if "snapshot" in event} == {report["snapshot"]}
    assert {event["run_id"] for event in events if "run_id" in event} == {report["run"]}
    assert next(event["n_dead_letters"] for event in others if event["event"] == "dead_letters") == 1
    said = " ".join(f"{record.name} {record.getMessage()} {record.exc_text}" for record in caplog.records)
    assert MARKER not in said.lower()


def test_a_failed_run_logs_the_class_of_its_error_and_no_word_of_the_input(
    cluster, settings, write_notes, caplog
):
    folder = write_notes([])
    (folder / "notes.jsonl").write_text(json.dumps(note("a", title=MARKER)) + "\n")
    with caplog.at_level(logging.DEBUG), pytest.raises(SourceError):
        ingest(settings, folder)
    (failed,) = [record.msg for record in caplog.records if getattr(record.msg, "get", None)][-1:]
    assert (failed["event"], failed["error"]) == ("run_failed", "SourceError")
    assert MARKER not in caplog.text.lower()
