from __future__ import annotations

import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.documents import DeadLetter, DeadLetterReason
from eagleray.errors import IntegrityError, NotPublishedError
from indexes.runs.dead_letters import list_dead_letters
from indexes.runs.ended import EndedRun, write_ended_run
from indexes.runs.unread import SourceRecord, TriedPart, list_records, read_record, write_record
from indexes.storage import open_store
from ray_jobs.dead_letters import TaskLetters, write_last_run
from ray_jobs.ledger import Ledger


@pytest.fixture
def notes(tmp_path):
    return Collection(open_store(tmp_path), "notes")


def set_aside(notes, run, *sources):
    ledger = Ledger(notes, run_id=run)
    ledger.begin({})
    letters = (
        DeadLetter(source=source, position="", reason=DeadLetterReason.EMPTY_TEXT, detail=run)
        for source in sources
    )
    TaskLetters(letters).write(ledger, "ingest", "k")
    write_last_run(notes, run)


def keep(notes, source, **runs):
    tried = {part: (TriedPart(mark="1", runs=(run,)),) for part, run in runs.items()}
    write_record(notes, SourceRecord(source=source, mapping="m", matched=("year",), tried=tried))


def list_sources(notes, run=""):
    return [(letter["source"], letter["detail"]) for letter in list_dead_letters(notes, run=run)]


def test_what_is_unread_of_each_source_comes_from_the_runs_that_set_it_aside(notes):
    set_aside(notes, "r1", "desk/a", "desk/b")
    set_aside(notes, "r2", "mail/m")
    set_aside(notes, "r3", "desk/b", "desk/c")
    keep(notes, "desk", a="r1", b="r3")
    keep(notes, "mail", m="r2")
    assert list_sources(notes) == [("desk/a", "r1"), ("desk/b", "r3"), ("mail/m", "r2")]
    assert list_sources(notes, "r1") == [("desk/a", "r1"), ("desk/b", "r1")]


def test_where_all_was_read_nothing_is_listed_whatever_the_last_run_set_aside(notes):
    set_aside(notes, "r1", "desk/a")
    keep(notes, "desk")
    assert list_sources(notes) == []


def test_of_a_collection_without_records_the_last_run_is_listed(notes):
    with pytest.raises(NotPublishedError, match="notes: nothing was ingested into this collection"):
        list_sources(notes)
    set_aside(notes, "r1", "desk/a")
    assert list_sources(notes) == [("desk/a", "r1")]
    with pytest.raises(NotPublishedError):
        list_sources(notes, "r9")


@pytest.mark.parametrize("error", ["ClusterError", ""])
def test_a_first_run_that_failed_has_not_read_everything(notes, error):
    set_aside(notes, "r1")
    write_ended_run(notes, EndedRun.of_report({}, run="r1", error=error, ended_at=0))
    if not error:
        assert list_sources(notes) == []
        return
    with pytest.raises(NotPublishedError, match="the last run, r1, ended with ClusterError"):
        list_sources(notes)
    assert list_sources(notes, "r1") == []


def test_a_record_is_read_back_as_it_was_and_a_damaged_one_is_an_error(notes, tmp_path):
    keep(notes, "desk", a="r1")
    (record,) = list_records(notes)
    assert record == read_record(notes, "desk")
    assert (record.matched, record.unread["a"].runs) == (("year",), ("r1",))
    assert read_record(notes, "other") is None
    (path,) = tmp_path.rglob("unread/*.json")
    path.write_bytes(path.read_bytes().replace(b'"r1"', b'"r2"'))
    with pytest.raises(IntegrityError):
        list_records(notes)
