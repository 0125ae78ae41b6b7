from __future__ import annotations

import json
from dataclasses import replace

import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import SearchRequest
from eagleray.contracts.services import CalibrateRequest
from eagleray.embedders.hashing import HashingEmbedder
from eagleray.errors import InputError
from indexes.engine_factory import make_engine_factory
from indexes.snapshots.aliases import alias_history
from indexes.snapshots.catalog import load_snapshot
from indexes.storage import open_store
from ray_jobs.calibration_job import check_calibration
from ray_jobs.service import RayJobService
from tests.hashing_collections import publish, publish_hashed, put_hashed_snapshot

EVERYBODY = frozenset({"rates", "credit"})
ASKED = CalibrateRequest(n_questions=60, groups=EVERYBODY)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return publish_hashed(tmp_path_factory.mktemp("calibrated"))


def test_a_dry_calibration_is_the_same_each_time_and_publishes_nothing(published):
    settings, snapshot = published
    service = RayJobService(settings)
    report = service.calibrate(replace(ASKED, is_dry=True))
    assert report == service.calibrate(replace(ASKED, is_dry=True))
    assert report["snapshot"] == snapshot
    assert 0 < report["questions_fitted"] <= 60
    for found in (report["by_both"], report["by_words"]):
        assert set(found["unseen"]) == {"own_rejected", "others_rejected", "general_rejected"}
        assert found["unseen"]["general_rejected"] >= 0.9
    assert report["by_words"]["weights"]["dense"] == 0.0
    assert json.dumps(report)
    collection = Collection(open_store(settings.store), settings.collection)
    assert [entry.snapshot for entry in alias_history(collection, "live")] == [snapshot]


def test_what_was_learnt_is_published_judges_from_then_on_and_is_inherited(tmp_path):
    settings, snapshot = publish_hashed(tmp_path)
    report = RayJobService(settings).calibrate(ASKED)
    collection = Collection(open_store(settings.store), settings.collection)
    before, after = (load_snapshot(collection, name) for name in (snapshot, report["snapshot"]))
    assert replace(after, relevance=None, parent=None) == before
    assert after.parent == snapshot
    assert after.relevance.by_both.intercept == report["by_both"]["weights"]["intercept"]
    engines = make_engine_factory(settings)
    opened = engines.open_snapshot("live")
    assert opened.snapshot_id == report["snapshot"]
    known = max(int(view.known_from.max()) for view in opened.segments)
    assert after.relevance.known_until == known
    embedder = HashingEmbedder()
    learnt = engines.make_searcher(opened, embedder=embedder)
    default = engines.make_searcher(engines.open_snapshot(snapshot), embedder=embedder)
    asked = SearchRequest(query="swap curve basis row7", k=5)
    hits, others = learnt.search(asked).hits, default.search(asked).hits
    assert [replace(hit, relevance=None) for hit in hits] == [replace(hit, relevance=None) for hit in others]
    assert [hit.relevance for hit in hits] != [hit.relevance for hit in others]
    early = replace(asked, as_of=known - 1)
    assert learnt.search(early).hits == default.search(early).hits


def test_too_few_questions_are_refused(tmp_path):
    with pytest.raises(InputError, match="at least 40"):
        check_calibration(CalibrateRequest(n_questions=39))
    settings, _ = publish_hashed(tmp_path)
    store = open_store(settings.store)
    publish(store, put_hashed_snapshot(store, n_documents=12))
    with pytest.raises(InputError, match="name groups that may read more"):
        RayJobService(settings).calibrate(CalibrateRequest())
