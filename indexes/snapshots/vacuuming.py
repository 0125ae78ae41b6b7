"""Vacuum: remove what no alias, pin or retention needs, and nothing else.

Needed are the snapshots that an alias points to, those it could be rolled back to, pinned ones, and those
written within the retention, with the segments, codebooks and patches they name. Of the rest, only
what is older than the retention goes: a job at work has just written what it will publish. A run's ledger
and the hand-off files between stages go when the whole run is older.

The order of removal leaves nothing half there that somebody could open: snapshots before what they name, a
segment's manifest before its files. Whatever a vacuum that was cut short leaves, the next one removes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from eagleray.contracts.collections import Collection
from eagleray.contracts.ports import Store, StoredObject
from indexes.runs import layout
from indexes.runs.unread import list_records
from indexes.segments.codebooks import CODEBOOKS, locate_codebook
from indexes.segments.opened_segment import load_segment_manifest
from indexes.segments.segment_files import MANIFEST
from indexes.segments.segment_upload import SEGMENTS, locate_segment
from indexes.snapshots.aliases import alias_history, find_standing, list_aliases
from indexes.snapshots.catalog import load_snapshot
from indexes.snapshots.layout import PATCHES, PINS, SNAPSHOTS, name_patch, name_pin, name_snapshot

HAND_OFF = ("chunks", "vectors")
"""Folders of files that one stage of a run leaves to the next."""

POSITIONS = f"{layout.RUNS}/{layout.POSITIONS}"
"""Where each source stood at a snapshot; jobs write them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VacuumPlan:
    """What goes.

    Attributes:
        objects: in the order of their removal.
        kept: snapshots that stay.
        removed: snapshots that go.
    """

    objects: tuple[StoredObject, ...]
    kept: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def n_bytes(self) -> int:
        """Bytes that are freed."""
        return sum(item.size_bytes for item in self.objects)


def pin_snapshot(collection: Collection, snapshot: str) -> None:
    """Keep a snapshot whatever the retention, until it is unpinned."""
    collection.store.write(f"{collection.name}/{name_pin(snapshot)}", b"")


def unpin_snapshot(collection: Collection, snapshot: str) -> None:
    """Let a snapshot go with its retention; it need not have been pinned."""
    collection.store.delete(f"{collection.name}/{name_pin(snapshot)}")


def list_pins(collection: Collection) -> frozenset[str]:
    """Return the pinned snapshots."""
    return frozenset(
        item.path.rpartition("/")[2] for item in collection.store.list(f"{collection.name}/{PINS}")
    )


def plan_vacuum(collection: Collection, *, older_than: int) -> VacuumPlan:
    """Return what a vacuum would remove.

    Args:
        collection: where it lies.
        older_than: microseconds; what was written since then stays.

    Raises:
        IntegrityError: an alias, a snapshot or a segment that is needed is damaged; nothing is removed then.
    """
    listed = _Listed.read(collection.store, collection.name)
    snapshots = listed.list_snapshots()
    needed = _find_roots(collection)
    kept = {
        snapshot
        for snapshot, written in snapshots.items()
        if snapshot in needed or written.modified >= older_than
    }
    named = _find_named(collection, sorted(kept))
    old = [item for item in listed.objects if item.modified < older_than]
    gone = [
        *(item for item in listed.below(SNAPSHOTS, old) if _name_of(item) not in kept),
        *(item for item in listed.below(POSITIONS, old) if _name_of(item) not in kept),
        *_list_gone_segments(listed, named, older_than=older_than),
        *(item for item in listed.below(PATCHES, old) if item.path not in named),
        *(item for item in listed.below(CODEBOOKS, old) if item.path not in named),
        *_list_gone_runs(listed, unread=_find_unread_runs(collection), older_than=older_than),
    ]
    removed = sorted(snapshots.keys() - kept)
    return VacuumPlan(objects=tuple(gone), kept=tuple(sorted(kept)), removed=tuple(removed))


def run_vacuum(store: Store, plan: VacuumPlan) -> None:
    """Remove what the plan says, in its order."""
    for item in plan.objects:
        store.delete(item.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """Every object below a collection."""

    collection: str
    objects: Sequence[StoredObject] = field(default_factory=list)

    @classmethod
    def read(cls, store: Store, collection: str) -> _Listed:
        return cls(collection=collection, objects=list(store.list(collection)))

    def below(self, folder: str, objects: Iterable[StoredObject] | None = None) -> list[StoredObject]:
        """Return the objects below a folder of the collection."""
        prefix = f"{self.collection}/{folder}/"
        among = self.objects if objects is None else objects
        return [item for item in among if item.path.startswith(prefix)]

    def list_snapshots(self) -> dict[str, StoredObject]:
        """Return each snapshot's manifest by its id."""
        names = ((item.path.rpartition("/")[2], item) for item in self.below(SNAPSHOTS))
        return {name.removesuffix(".json"): item for name, item in names if name.count(".") == 1}


def _name_of(item: StoredObject) -> str:
    """Return the snapshot that names an object: what stands before the first dot."""
    return item.path.rpartition("/")[2].partition(".")[0]


def _find_roots(collection: Collection) -> set[str]:
    """Return the snapshots that aliases point to or could be rolled back to once, and the pinned ones."""
    roots = set(list_pins(collection))
    for name in list_aliases(collection):
        roots.update(find_standing(alias_history(collection, name))[-2:])
    return roots


def _find_named(collection: Collection, snapshots: Sequence[str]) -> set[str]:
    """Return the paths of patches and codebooks, and the folders of segments, that snapshots need."""
    named: set[str] = set()
    for snapshot in snapshots:
        manifest = load_snapshot(collection, snapshot)
        named.add(f"{collection.name}/{name_snapshot(snapshot)}")
        named.update(f"{collection.name}/{name_patch(digest)}" for digest in manifest.patches)
        for digest in manifest.segments:
            folder = locate_segment(collection.name, digest)
            if folder in named:
                continue
            named.add(folder)
            segment = load_segment_manifest(collection, digest)
            if segment.dense is not None:
                named.add(locate_codebook(collection.name, segment.dense.codebook))
    return named


def _list_gone_segments(listed: _Listed, named: set[str], *, older_than: int) -> list[StoredObject]:
    """Return the files of segments that no kept snapshot names, each segment's manifest first."""
    folders: dict[str, list[StoredObject]] = {}
    for item in listed.below(SEGMENTS):
        digest = item.path.removeprefix(f"{listed.collection}/{SEGMENTS}/").partition("/")[0]
        folders.setdefault(locate_segment(listed.collection, digest), []).append(item)
    gone: list[StoredObject] = []
    for folder, files in folders.items():
        if folder in named or max(item.modified for item in files) >= older_than:
            continue
        gone += sorted(files, key=lambda item: (not item.path.endswith(f"/{MANIFEST}"), item.path))
    return gone


def _find_unread_runs(collection: Collection) -> set[str]:
    """Return the runs that set aside what cannot be read to this day."""
    return {
        run for record in list_records(collection) for tried in record.unread.values() for run in tried.runs
    }


def _tells_letters(item: StoredObject) -> bool:
    return item.path.endswith((f".{layout.DEAD_LETTERS}", f"/{layout.PLAN}"))


def _list_gone_runs(listed: _Listed, *, unread: set[str], older_than: int) -> list[StoredObject]:
    """Return the ledgers of runs that ended before, and hand-off files older than any run that stays.

    Of a run that set aside what is still unread, the dead letters stay.
    """
    runs: dict[str, list[StoredObject]] = {}
    for item in listed.below(layout.RUNS):
        parts = item.path.removeprefix(f"{listed.collection}/{layout.RUNS}/").split("/")
        if len(parts) > 1 and parts[0] not in layout.NO_RUNS:
            runs.setdefault(parts[0], []).append(item)
    gone: list[StoredObject] = []
    oldest = older_than
    for run, items in runs.items():
        if max(item.modified for item in items) < older_than:
            gone += [item for item in items if run not in unread or not _tells_letters(item)]
        else:
            oldest = min([oldest, *(item.modified for item in items)])
    for folder in HAND_OFF:
        gone += [item for item in listed.below(folder) if item.modified < oldest]
    return gone
