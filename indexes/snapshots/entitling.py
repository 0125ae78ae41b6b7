"""The rows of a snapshot under the groups and zones of a newer one.

A row is known again by its chunk id, whichever segment holds it now. What the newer snapshot holds in the
same zone has the groups that stand there; what it does not hold so is nobody's, or keeps its own groups
(`AskedSnapshot`). Times stay those of the older one: it is asked as it was, by those who may read it now.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import SnapshotManifest
from eagleray.contracts.ports import Store
from indexes.segments.groups import PUBLIC, Bitmaps, count_bitmap_bytes
from indexes.segments.opened_segment import load_segment_manifest, open_segment
from indexes.segments.patching import RowState, apply_patches
from indexes.segments.view import SegmentView
from indexes.snapshots.catalog import load_snapshot
from indexes.snapshots.patches import read_patch

_Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Patched:
    """A segment's groups, and the patches that are on top of them."""

    chunk_ids: _Rows
    state: RowState
    patches: tuple[str, ...]


class Entitler:
    """Gives segments of one snapshot the groups that newer ones give their rows; threads may share it.

    It keeps what it has read, so that the next state of the alias costs the patches that were added.
    """

    def __init__(
        self, store: Store, manifest: SnapshotManifest, views: Sequence[SegmentView], *, cache: Path | None
    ) -> None:
        """Take some segments of a snapshot.

        Args:
            store: where the collection lies.
            manifest: of the snapshot.
            views: the segments, the snapshot's patches applied.
            cache: folder for copies of remote segments; `None` keeps none.
        """
        self._manifest, self._views, self._cache = manifest, tuple(views), cache
        self._collection = Collection(store, manifest.collection.name)
        self._lock = threading.Lock()
        self._patched = {
            view.digest: _Patched(chunk_ids=view.chunk_ids, state=_read_state(view), patches=manifest.patches)
            for view in views
        }
        self._zones: dict[str, str] = {}
        self._tables: dict[str, pa.Table] = {}

    def entitle(self, asked: AskedSnapshot) -> tuple[SegmentView, ...]:
        """Return the segments as they may be read by the state that rules.

        Raises:
            NotPublishedError: that state is not there.
            IntegrityError: something it needs is missing or damaged.
        """
        if asked.entitled_by == asked.snapshot:
            return self._views
        with self._lock:
            newest = load_snapshot(self._collection, asked.entitled_by)
            found = tuple(self._entitle(view, newest, asked) for view in self._views)
            self._tables.clear()
        return found

    def _entitle(self, view: SegmentView, newest: SnapshotManifest, asked: AskedSnapshot) -> SegmentView:
        if view.digest in newest.segments:
            state = self._patch(view.digest, newest.patches).state
        else:
            state = self._gather(view, newest, keeps_rest=not asked.is_published)
        return replace(view, group_names=state.group_names, group_bits=state.group_bits)

    def _patch(self, digest: str, patches: tuple[str, ...]) -> _Patched:
        """Return a segment's groups with patches on top, from those there were where they are the first."""
        before = self._patched.get(digest)
        if before is None or before.patches != patches[: len(before.patches)]:
            view = open_segment(self._collection, digest, cache=self._cache)
            before = _Patched(chunk_ids=view.chunk_ids, state=_read_state(view), patches=())
        tables = [self._read_patch(name) for name in patches[len(before.patches) :]]
        state = apply_patches(before.state, tables, chunk_ids=before.chunk_ids)
        self._patched[digest] = replace(before, state=state, patches=patches)
        return self._patched[digest]

    def _gather(self, view: SegmentView, newest: SnapshotManifest, *, keeps_rest: bool) -> RowState:
        """Return the groups of rows that now stand in other segments of the zone, or nowhere."""
        parts = []
        is_left = np.ones(view.n_rows, dtype=np.bool_)
        for digest in newest.segments:
            if digest in self._manifest.segments or self._find_zone(digest) != view.zone:
                continue  # a row stands in one segment of a snapshot
            part = self._patch(digest, newest.patches)
            mine, theirs = _match(view.chunk_ids, part.chunk_ids)
            is_left[mine] = False
            parts.append((part.state, mine, theirs))
        if keeps_rest:
            rest = np.flatnonzero(is_left)
            parts.append((_read_state(view), rest, rest))
        names, bits = _join_groups(parts, n_rows=view.n_rows)
        return RowState(known_to=view.known_to, group_names=names, group_bits=bits)

    def _find_zone(self, digest: str) -> str:
        if digest not in self._zones:
            self._zones[digest] = load_segment_manifest(self._collection, digest).zone
        return self._zones[digest]

    def _read_patch(self, digest: str) -> pa.Table:
        if digest not in self._tables:
            self._tables[digest] = read_patch(self._collection, digest).changes
        return self._tables[digest]


def _read_state(view: SegmentView) -> RowState:
    return RowState(known_to=view.known_to, group_names=view.group_names, group_bits=view.group_bits)


def _match(mine: _Rows, theirs: _Rows) -> tuple[_Rows, _Rows]:
    """Return the rows that two segments share: int64 [n] places in the first, and in the second."""
    _, first, second = np.intersect1d(mine, theirs, assume_unique=True, return_indices=True)
    return first, second


def _join_groups(
    parts: Sequence[tuple[RowState, _Rows, _Rows]], *, n_rows: int
) -> tuple[tuple[str, ...], Bitmaps]:
    """Return the bitmaps of rows whose groups stand in several states; a row that stands in none is nobody's.

    Args:
        parts: a state, the rows wanted, and where they are in the state.
        n_rows: of the segment.
    """
    own = dict.fromkeys(name for state, _, _ in parts for name in state.group_names[1:])
    places = {name: place for place, name in enumerate(own, start=1)}
    held = np.zeros((len(own) + 1, n_rows), dtype=np.bool_)
    for state, mine, theirs in parts:
        for number, (name, bits) in enumerate(zip(state.group_names, state.group_bits, strict=True)):
            place = places[name] if number else 0
            held[place, mine] = bits[theirs >> 3] >> (theirs & 7).astype(np.uint8) & 1
    packed = np.packbits(held, axis=1, bitorder="little")
    return (PUBLIC, *own), packed.reshape(len(own) + 1, count_bitmap_bytes(n_rows))
