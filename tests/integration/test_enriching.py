"""Enrichers that fail, die and depend on their batches, in whole runs."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.enrichment import WorkerResources
from eagleray.contracts.hits import SearchRequest
from eagleray.digests import digest_json
from indexes.masks.grammar import parse_filter
from indexes.runs.dead_letters import list_dead_letters
from indexes.service import LocalIndexService
from indexes.storage import open_store
from tests.integration.cut_runs import NOTES, find_ids, ingest, write_lines

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices


class Neighbours:
    """Tells each document which others are in its batch, so that any other batch is another snapshot."""

    name, digest, batch_size, resources = "neighbours", "1", 3, WorkerResources()

    def enrich(self, documents):
        batch = digest_json([document.doc_id for document in documents])
        return [replace(item, attributes={**item.attributes, "batch": batch}) for item in documents]


class Renamed(Neighbours):
    """Another version of it."""

    digest = "2"

    def enrich(self, documents):
        return [replace(item, attributes={"colour": "green"}) for item in documents]


class Failing(Neighbours):
    """Cannot take some documents, and says their text where nobody may read it."""

    def enrich(self, documents):
        for document in documents:
            if document.doc_id in ("n3", "n17"):
                raise ZeroDivisionError(document.text)
        return super().enrich(documents)


class Dying(Neighbours):
    """Takes its process with it, once."""

    def enrich(self, documents):
        grave = Path(str(documents[0].attributes["folder"])) / "died"
        if not grave.exists() and any(document.doc_id == "n17" for document in documents):
            grave.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().enrich(documents)


def settle(settings, kind, **jobs):
    cut = {
        "workers": 2,
        "partition_bytes": 1024,
        "shard_bytes": 1024,
        "enrichers": f"{__name__}:{kind.__name__}",
    }
    return settings.model_copy(update={"jobs": settings.jobs.model_copy(update=cut | jobs)})


def elsewhere(settings, tmp_path, name):
    return settings.model_copy(update={"store": str(tmp_path / name)})


def test_which_documents_are_together_does_not_depend_on_the_number_of_workers(cluster, settings, tmp_path):
    folder = write_lines(tmp_path / "desk" / "notes.jsonl", NOTES)
    snapshots = {
        ingest(settle(elsewhere(settings, tmp_path, f"{n}"), Neighbours, workers=n), folder)["snapshot"]
        for n in (1, 2)
    }
    assert len(snapshots) == 1


def test_an_enricher_that_raises_makes_dead_letters_and_ends_nothing(cluster, settings, tmp_path):
    folder = write_lines(tmp_path / "desk" / "notes.jsonl", NOTES)
    plain = settings.model_copy(
        update={"jobs": settle(settings, Failing).jobs.model_copy(update={"enrichers": ""})}
    )
    ingest(plain, folder)
    report = ingest(settle(settings, Failing), folder)
    assert (report["documents_read"], report["dead_letters"]) == (len(NOTES), 2)
    letters = list_dead_letters(Collection(open_store(settings.store), "notes"))
    assert [letter["doc_id"] for letter in letters] == ["n3", "n17"]
    assert {letter["reason"] for letter in letters} == {"enricher_failed"}
    assert all("ZeroDivisionError" in letter["detail"] for letter in letters)
    assert not any("Bond" in letter["detail"] for letter in letters)
    assert find_ids(settings) == {record["_id"] for record in NOTES}, "a file with dead letters closed some"
    assert LocalIndexService(settings).verify(snapshot="live")["findings"] == []


def test_a_worker_that_an_enricher_kills_and_a_run_that_is_left_end_as_undisturbed_ones(
    cluster, settings, tmp_path
):
    notes = [{**record, "metadata": {"folder": str(tmp_path)}} for record in NOTES]
    folder = write_lines(tmp_path / "desk" / "notes.jsonl", notes)
    whole = ingest(settle(elsewhere(settings, tmp_path, "whole"), Neighbours), folder)["snapshot"]

    def leave(stage, done, total):
        if (stage, done) == ("enrich-neighbours", 2):
            raise InterruptedError

    cut = settle(settings, Dying)
    with pytest.raises(InterruptedError):
        ingest(cut, folder, leave)
    told = []
    report = ingest(cut, folder, lambda *step: told.append(step))
    assert (tmp_path / "died").exists()
    enriched = [done for stage, done, total in told if stage == "enrich-neighbours"]
    assert 3 <= enriched[0] <= enriched[-1] == len([1 for stage, done, total in told if stage == "chunk"])
    assert report["snapshot"] == whole
    assert LocalIndexService(settings).verify(snapshot="live")["findings"] == []


def test_another_version_of_an_enricher_reads_all_documents_again(cluster, settings, tmp_path):
    folder = write_lines(tmp_path / "desk" / "notes.jsonl", NOTES[:5])
    ingest(settle(settings, Neighbours), folder)
    again = ingest(settle(settings, Neighbours), folder)
    assert not again["changed"]
    report = ingest(settle(settings, Renamed), folder)
    assert (report["changed"], report["documents_read"]) == (True, 5)
    engine = LocalIndexService(settings).open_engine(snapshot="live")
    found = engine.search(SearchRequest(query="bond", filter=parse_filter("colour = 'green'"), k=9)).hits
    assert len(found) == 5
    assert not any("batch" in hit.attributes for hit in found)
