"""Inverted lists through the whole pipeline: trained once, shared, the same for any number of workers."""

from __future__ import annotations

import shutil

import pytest
import torch

from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import PlanKind, SearchMode, SearchRequest
from eagleray.errors import InputError
from indexes.segments.opened_segment import load_segment_manifest
from indexes.service import LocalIndexService
from indexes.snapshots.catalog import load_snapshot
from indexes.storage import open_store
from tests.integration.test_ingest import ingest, note

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

WORDS = [
    "swap",
    "curve",
    "basis",
    "repo",
    "margin",
    "coupon",
    "issuer",
    "rating",
    "spread",
    "duration",
    "covenant",
    "tranche",
]


def make_notes(first, n):
    return [
        note(
            f"n{number}",
            f"The {WORDS[number % 12]} of the {WORDS[number * 7 % 11]} desk moved by {number} points.",
            zone="tokyo" if number % 5 == 0 else "london",
        )
        for number in range(first, first + n)
    ]


@pytest.fixture
def indexed(settings, tmp_path):
    """Settings under which segments of 100 rows have lists, and the mapping that knows zones."""
    (tmp_path / "mapping.yaml").write_text("zone: {field: zone}\n")
    index = settings.index.model_copy(update={"min_rows": 100, "n_lists": 16})
    return settings.model_copy(update={"index": index}), str(tmp_path / "mapping.yaml")


def read_dense(settings):
    store = open_store(settings.store)
    snapshot = LocalIndexService(settings).open_engine(snapshot="live").snapshot
    manifests = [
        load_segment_manifest(Collection(store, settings.collection), digest)
        for digest in load_snapshot(Collection(store, settings.collection), snapshot).segments
    ]
    return [(manifest.zone, manifest.dense) for manifest in manifests]


def test_large_segments_have_lists_and_later_ones_share_the_codebook(cluster, indexed, write_notes):
    settings, mapping = indexed
    ingest(settings, write_notes(make_notes(0, 300)), mapping=mapping)
    first = dict(read_dense(settings))
    assert first["london"] is not None
    assert first["tokyo"] is None  # 60 rows
    more = write_notes(make_notes(1_000, 250), name="more.jsonl")
    ingest(settings, more, mapping=mapping)
    later = [dense for zone, dense in read_dense(settings) if zone == "london"]
    assert {dense.codebook for dense in later} == {first["london"].codebook}
    assert LocalIndexService(settings).verify(snapshot="live")["findings"] == []

    engine = LocalIndexService(settings).open_engine(snapshot="live")
    request = SearchRequest(query="coupon of the repo desk", mode=SearchMode.DENSE, k=5)
    assert len(engine.search(request).hits) == 5
    plans = {segment.plan for segment in engine.search(request).explanation.segments}
    assert plans <= {PlanKind.APPROXIMATE, PlanKind.PREFIX}


def test_workers_and_a_relaunch_do_not_change_the_codebook(cluster, indexed, write_notes, tmp_path):
    settings, mapping = indexed
    folder = write_notes(make_notes(0, 400))
    snapshots = set()
    for workers in (1, 2, 2):
        jobs = settings.jobs.model_copy(update={"workers": workers, "shard_bytes": 8_192})
        store = tmp_path / f"store{workers}"
        shutil.rmtree(store, ignore_errors=True)
        here = settings.model_copy(update={"jobs": jobs, "store": str(store)})
        snapshots.add(ingest(here, folder, mapping=mapping)["snapshot"])
    assert len(snapshots) == 1


def test_rows_of_another_kind_get_lists_of_their_own(cluster, indexed, write_notes):
    settings, mapping = indexed
    ingest(settings, write_notes(make_notes(1, 200)), mapping=mapping)
    strict = settings.index.model_copy(update={"max_drift": 1.0})
    strange = [
        note(f"x{number}", f"{number} zebra {number * 17} quartz", zone="london") for number in range(150)
    ]
    ingest(
        settings.model_copy(update={"index": strict}),
        write_notes(strange, name="strange.jsonl"),
        mapping=mapping,
    )
    london = [dense.codebook for zone, dense in read_dense(settings) if zone == "london"]
    assert len(set(london)) == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without a GPU")
def test_a_gpu_that_the_cluster_lacks_is_named_and_what_was_done_is_kept(cluster, indexed, write_notes):
    settings, mapping = indexed
    folder = write_notes(make_notes(0, 300))
    lacking = settings.model_copy(update={"index": settings.index.model_copy(update={"device": "cuda"})})
    with pytest.raises(InputError, match="a worker needs 1 GPU, the Ray cluster has 0"):
        ingest(lacking, folder, mapping=mapping)
    assert ingest(settings, folder, mapping=mapping)["changed"]
