from __future__ import annotations

import pytest

from eagleray.contracts.hits import SearchRequest
from eagleray.errors import InputError
from eagleray.settings import Settings, load_settings
from indexes.built_embedder import recall_embedder
from indexes.service import LocalIndexService
from indexes.storage import open_store
from tests.hashing_collections import publish, put_hashed_snapshot


@pytest.fixture
def named(tmp_path):
    """What names a published collection that was built with `hashing`, and nothing else."""
    store = open_store(tmp_path / "store")
    publish(store, put_hashed_snapshot(store, name="notes"), "notes")
    return {"store": str(tmp_path / "store"), "collection": "notes", "cache": str(tmp_path / "cache")}


def test_a_collection_is_asked_with_the_embedder_it_was_built_with(named):
    settings = Settings(**named, embedder={"threads": 3})
    recalled = recall_embedder(settings).embedder
    assert (recalled.model, recalled.threads) == ("hashing", 3)
    engine = LocalIndexService(settings).open_engine(snapshot="live")
    assert engine.search(SearchRequest(query="swap")).hits


def test_a_model_that_is_named_is_never_exchanged_for_another(named, monkeypatch):
    monkeypatch.setenv("EAGLERAY_EMBEDDER__MODEL", "minilm")
    settings = load_settings(**named)
    assert recall_embedder(settings) is settings
    advice = "set EAGLERAY_EMBEDDER__MODEL to the same model, or leave it out for hashing$"
    with pytest.raises(InputError, match=advice):
        LocalIndexService(settings).open_engine(snapshot="live")


def test_a_collection_that_is_not_there_yet_is_left_to_the_settings(named):
    settings = Settings(**{**named, "collection": "others"})
    assert recall_embedder(settings) is settings


def test_settings_are_tried_one_by_one(named, tmp_path):
    def check(**more):
        rows = LocalIndexService(Settings(**{**named, **more})).check_settings()
        assert [row["check"] for row in rows] == ["store", "cache", "embedder", "reranker", "collection"]
        return {row["check"]: row["detail"] for row in rows if not row["ok"]}, rows[-1]["detail"]

    failed, detail = check()
    assert failed == {}
    assert detail.startswith("notes, built with hashing; live -> ")
    assert check(collection="others") == ({}, "others is not built yet")
    failed, _ = check(embedder={"model": "minilm"})
    assert list(failed) == ["collection"]
    assert "was embedded with hashing" in failed["collection"]
    failed, _ = check(embedder={"model": str(tmp_path / "none")}, reranker={"model": str(tmp_path / "none")})
    assert set(failed) == {"embedder", "reranker", "collection"}
    (tmp_path / "file").write_text("")
    failed, _ = check(cache=str(tmp_path / "file" / "cache"))
    assert list(failed) == []


def test_a_cache_that_cannot_be_written_and_a_damaged_collection_fail(named, tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("indexes.setting_checks.tempfile.TemporaryFile", refuse)
    next((tmp_path / "store").rglob("collection.json")).write_text("{")
    rows = LocalIndexService(Settings(**named, embedder={"model": "hashing"})).check_settings()
    assert {row["check"] for row in rows if not row["ok"]} == {"cache", "collection"}
