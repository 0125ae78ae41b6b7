from __future__ import annotations

import pytest

import eagleray
from eagleray.contracts.services import IngestRequest
from eagleray.parts import Part
from indexes.storage import open_store
from tests.hashing_collections import publish_hashed, put_hashed_snapshot

REPORT = {
    "run": "r1",
    "changed": True,
    "documents_read": 12,
    "superseded": 1,
    "dead_letters": 2,
    "published": 3,
    "passed_over": {"hidden": 4},
    "snapshot": "5" * 64,
    "seconds": 1.5,
}


class Jobs:
    """Keeps what it is asked and reports what it was given."""

    def __init__(self, report):
        self.report, self.asked = report, []

    def __call__(self, settings):
        self.settings = settings
        return self

    def ingest(self, request, on_progress):
        self.asked.append((self.settings, request))
        on_progress("embed", 1, 2)
        return dict(self.report)


@pytest.fixture
def jobs(monkeypatch):
    found = Jobs(REPORT)
    monkeypatch.setattr(Part, "load", lambda part, settings: found(settings))
    return found


@pytest.fixture
def published(tmp_path, monkeypatch):
    settings, snapshot = publish_hashed(tmp_path)
    monkeypatch.setenv("EAGLERAY_CACHE", settings.cache)
    monkeypatch.setenv("EAGLERAY_EMBEDDER__MODEL", "hashing")
    return settings, snapshot


def test_an_ingest_asks_for_what_it_was_told_and_otherwise_for_what_the_command_does(jobs, tmp_path):
    eagleray.ingest(tmp_path / "desk")
    eagleray.ingest(
        "s3://bucket/desk",
        store=tmp_path / "store",
        collection="notes",
        mapping=tmp_path / "mapping.yaml",
        name="filings",
        alias="",
        resume=False,
        workers=3,
        address="auto",
    )
    (plain, by_default), (named, told) = jobs.asked
    assert by_default == IngestRequest(source=str(tmp_path / "desk"))
    assert (plain.store, plain.collection) == ("eagleray-store", "default")
    assert told == IngestRequest(
        source="s3://bucket/desk",
        source_name="filings",
        mapping=str(tmp_path / "mapping.yaml"),
        alias="",
        is_resumed=False,
        address="auto",
    )
    assert (named.store, named.collection, named.jobs.workers) == (str(tmp_path / "store"), "notes", 3)


def test_an_ingest_reports_what_it_did_and_prints_nothing(jobs, capsys):
    told = []
    report = eagleray.ingest("desk", on_progress=lambda *step: told.append(step))
    assert report == eagleray.IngestReport(
        run="r1",
        snapshot="5" * 64,
        is_changed=True,
        sequence=3,
        counts={"documents_read": 12, "superseded": 1, "dead_letters": 2},
        passed_over={"hidden": 4},
        seconds=1.5,
    )
    assert told == [("embed", 1, 2)]
    assert capsys.readouterr() == ("", "")


def test_an_ingest_that_changes_nothing_moves_no_alias(jobs):
    jobs.report = {
        "run": "r1",
        "changed": False,
        "message": "nothing changed",
        "snapshot": "5" * 64,
        "seconds": 0.1,
    }
    report = eagleray.ingest("desk")
    assert (report.is_changed, report.sequence, report.counts, report.passed_over) == (False, None, {}, {})


def test_snapshots_are_listed_oldest_first_with_the_aliases_on_each(published):
    settings, first = published
    second = put_hashed_snapshot(open_store(settings.store), seed=8, n_documents=9)
    listed = eagleray.snapshots(settings.store, collection=settings.collection)
    assert [(item.snapshot, item.aliases) for item in listed] == [(first, ("live",)), (second, ())]
    assert listed[0].written_at <= listed[1].written_at
    assert listed[1].n_documents == 9


def test_publishing_moves_the_alias_through_the_gate(published):
    settings, first = published
    second = put_hashed_snapshot(open_store(settings.store), seed=8, n_documents=9)
    moved = eagleray.publish(second[:8], store=settings.store, collection=settings.collection)
    assert (moved.sequence, moved.snapshot, moved.previous, moved.reason) == (2, second, first, "publish")
    opened = eagleray.open(settings.store, collection=settings.collection)
    assert opened.snapshot == second


def test_what_is_not_there_is_an_error_and_not_a_print(published, capsys):
    settings, _ = published
    with pytest.raises(eagleray.NotPublishedError):
        eagleray.snapshots(settings.store, collection="nothing")
    with pytest.raises(eagleray.NotPublishedError):
        eagleray.publish("0" * 8, store=settings.store, collection=settings.collection)
    with pytest.raises(eagleray.SourceError):
        eagleray.ingest("no-such-folder", store=settings.store, collection="other")
    assert capsys.readouterr() == ("", "")
