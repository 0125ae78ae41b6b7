"""Shards opened from a store must answer as the whole snapshot does, and hold their own segments alone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.embedders import open_embedder
from eagleray.errors import InputError, NotPublishedError
from eagleray.settings import Settings
from indexes.engine_factory import make_engine_factory
from indexes.searching.sharded.ports import DirectPort
from indexes.segments.segment_files import MANIFEST
from indexes.segments.segment_upload import locate_segment
from indexes.shard_service import open_merger, open_shard
from indexes.snapshots.catalog import load_snapshot
from indexes.storage import open_store
from tests.small_collections import DAY, SPEC, put_small_snapshot
from tests.small_searchers import FixedEmbedder, open_engine

CALLER = Principal(subject="a", groups=frozenset({"rates", "credit", "desk"}))
REQUESTS = [
    SearchRequest(query=query, mode=mode, k=20, as_of=as_of, principal=CALLER)
    for query in ("swap curve", "basis row3")
    for mode in SearchMode
    for as_of in (None, 45 * DAY, 55 * DAY)
]


@pytest.fixture
def settings(tmp_path):
    return Settings(store=str(tmp_path / "store"), collection=SPEC.name, cache=str(tmp_path / "cache"))


@pytest.fixture
def snapshot(settings):
    return put_small_snapshot(open_store(settings.store))


@pytest.mark.parametrize("n_groups", [1, 2, 3])
def test_shards_of_a_store_answer_as_the_whole_snapshot(settings, snapshot, n_groups):
    shards = [
        open_shard(make_engine_factory(settings), snapshot=snapshot, group=group, n_groups=n_groups)
        for group in range(n_groups)
    ]
    assert sorted(number for shard in shards for number in shard.numbers) == [0, 1]
    embedder = FixedEmbedder()
    merger = open_merger(
        make_engine_factory(settings),
        snapshot=snapshot[:12],
        ports=[DirectPort(shard) for shard in shards],
        embedder=embedder,
    )
    whole = open_engine(open_store(settings.store), snapshot)
    for request in REQUESTS:
        expected, found = whole.search(request), merger.search(request)
        assert expected.hits
        assert repr(found.hits) == repr(expected.hits)
        without = [replace(answer.explanation, timings_ms={}) for answer in (found, expected)]
        assert without[0] == without[1]


def test_segments_of_other_groups_are_not_opened(settings, snapshot):
    engines = make_engine_factory(settings)
    digests = load_snapshot(Collection(open_store(settings.store), SPEC.name), snapshot).segments
    for group in range(2):
        (number,) = open_shard(engines, snapshot=snapshot, group=group, n_groups=2).numbers
        other = find_folder(settings, digests[1 - number])
        aside = other.with_name("aside")
        shutil.move(other, aside)
        other.mkdir()
        shutil.copy(aside / MANIFEST, other)
        assert open_shard(engines, snapshot=snapshot, group=group, n_groups=2).numbers == (number,)
        shutil.rmtree(other)
        shutil.move(aside, other)


def find_folder(settings, digest):
    """Return the folder of a segment."""
    return Path(settings.store) / locate_segment(SPEC.name, digest)


def test_what_is_not_there_or_was_embedded_otherwise_is_refused(settings, snapshot):
    with pytest.raises(NotPublishedError):
        open_shard(make_engine_factory(settings), snapshot="0" * 64, group=0, n_groups=2)
    other = open_embedder(Settings(embedder={"model": "hashing"}).embedder)
    with pytest.raises(InputError, match="was embedded with"):
        open_merger(make_engine_factory(settings), snapshot=snapshot, ports=[], embedder=other)
