"""Opens one shard of a snapshot, or what merges the answers of all of them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from eagleray.contracts.ports import Embedder
from eagleray.logs import get_logger
from eagleray.rerankers import open_reranker
from indexes.engine_factory import EngineFactory, check_model
from indexes.searching.segment_threads import SegmentThreads
from indexes.searching.sharded.ports import ShardPort
from indexes.searching.sharded.searcher import ShardedSearcher
from indexes.searching.sharded.shard import HeldSegments, Shard
from indexes.searching.targets import TargetFinder
from indexes.segments.on_device import bring_to_device
from indexes.segments.opened_segment import load_segment_manifest
from indexes.segments.view import SegmentView
from indexes.snapshots.catalog import load_snapshot, resolve
from indexes.snapshots.entitling import Entitler
from indexes.snapshots.opened import count_rows, open_segments

_log = get_logger()


def divide_segments(sizes: Sequence[int], n_groups: int) -> tuple[tuple[int, ...], ...]:
    """Return the numbers of each group's segments, ascending; no segment is in two groups.

    A segment goes to the group with the fewest rows so far, of equals the first. So no two groups differ by
    more rows than the largest segment has, and segments that come after the others move none of these.

    Args:
        sizes: rows of each segment, in the snapshot's order.
        n_groups: at least 1.

    Raises:
        ValueError: there is no group.

    Source: Graham, Bounds on Multiprocessing Timing Anomalies (SIAM Journal on Applied Mathematics, 1969):
        list scheduling.
    """
    if n_groups < 1:
        raise ValueError(f"n_groups must be at least 1, found {n_groups}")
    groups: list[list[int]] = [[] for _ in range(n_groups)]
    rows = [0] * n_groups
    for number, size in enumerate(sizes):
        least = min(range(n_groups), key=rows.__getitem__)
        groups[least].append(number)
        rows[least] += size
    return tuple(map(tuple, groups))


def open_shard(engines: EngineFactory, *, snapshot: str, group: int, n_groups: int) -> Shard:
    """Return the shard of one group; segments of other groups are not opened, but for their manifests.

    Args:
        engines: of the collection.
        snapshot: alias, id, or the beginning of an id.
        group: number of the group, from 0.
        n_groups: over which the segments are divided.

    Raises:
        NotPublishedError: there is no such collection, alias or snapshot.
        IntegrityError: something the shard needs is damaged.
        InputError: the vectors do not fit the GPU.
    """
    started, collection = time.monotonic(), engines.collection
    name = resolve(collection, snapshot)
    manifest = load_snapshot(collection, name)
    sizes = [load_segment_manifest(collection, digest).n_rows for digest in manifest.segments]
    numbers = divide_segments(sizes, n_groups)[group]
    views = open_segments(
        collection,
        name,
        manifest=manifest,
        segments=[manifest.segments[number] for number in numbers],
        cache=engines.cache,
    )
    views = bring_to_device(views, engines.search.device)
    threads = SegmentThreads(engines.search.threads)
    entitler = Entitler(collection.store, manifest, views, cache=engines.cache)

    def hold(found: Sequence[SegmentView]) -> HeldSegments:
        return HeldSegments(numbers, TargetFinder(found), threads=threads)

    _log.info(
        "shard_opened",
        collection=collection.name,
        snapshot=name,
        group=group,
        n_segments=len(views),
        n_rows=count_rows(views),
        elapsed_s=round(time.monotonic() - started, 3),
    )
    return Shard(name, hold(views), entitle=lambda asked: hold(entitler.entitle(asked)))


def open_merger(
    engines: EngineFactory, *, snapshot: str, ports: Sequence[ShardPort], embedder: Embedder
) -> ShardedSearcher:
    """Return the engine over the shards of a snapshot; nothing but its manifest is read.

    Args:
        engines: of the collection.
        snapshot: alias, id, or the beginning of an id.
        ports: to its shards, which have all its segments and none twice.
        embedder: of questions.

    Raises:
        NotPublishedError: there is no such collection, alias or snapshot.
        IntegrityError: the manifest is damaged.
        InputError: the collection was embedded with another model.
    """
    name = resolve(engines.collection, snapshot)
    manifest = load_snapshot(engines.collection, name)
    check_model(embedder.identity.model, manifest.collection)
    return ShardedSearcher(
        name,
        ports,
        n_segments=len(manifest.segments),
        embedder=embedder,
        fitted=manifest.fitted,
        reranker=open_reranker(engines.reranker),
    )
