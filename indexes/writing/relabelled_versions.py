"""Delivered rows as new labels of versions that the collection holds: attributes, title, event time, groups.

A version is relabelled where the source still holds the part that it was read from, unchanged, and the text
is the same. Its times, its name and the ids of its rows stay, so that a question as of any time finds what it
found before. What cannot be relabelled is left as it is, and told.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import pyarrow as pa

from eagleray.contracts.chunks import CHUNK_SCHEMA
from eagleray.contracts.times import OPEN_END
from indexes.segments.relabelled_segment import LABEL_SCHEMA
from indexes.segments.rows import CONTENT
from indexes.writing.arranging import build_patch
from indexes.writing.reconciliation import opens_document, regroup_document
from indexes.writing.versions import DocumentPlan, Held

MOVED_SCHEMA: Final = CHUNK_SCHEMA.append(CONTENT)
"""Rows that have another heading, and with it another vector."""

LEFT: Final = "left_"
"""What the names of counts begin with that say why documents are left as they are."""

MAX_LISTED: Final = 20
"""Documents that are named of those that are left as they are."""

_SPACE: Final = re.compile(r"\s")

_Row = dict[str, Any]


class LeftReason(StrEnum):
    """Why a document that was read, or a version that the collection holds, is not relabelled."""

    CHANGED = "changed"  # its part of the source is new, or has changed since it was read
    UNKNOWN = "unknown"  # the collection holds no version of that time, read from there
    TEXT = "text"
    ZONE = "zone"
    CONFLICT = "conflict"  # two records claim the same moment with other content
    GONE = "gone"  # the source holds the version's text no longer: nothing can be read of it again


@dataclass(frozen=True, slots=True, kw_only=True)
class Relabelled:
    """What a shard's documents come to.

    Attributes:
        labels: as `LABEL_SCHEMA`, sorted by chunk_id.
        moved: rows with another heading, as `MOVED_SCHEMA`, sorted by chunk_id.
        patch: groups that change, sorted by chunk_id.
        counts: kind of change -> how many there are.
        left: sources with documents that are left as they are.
        listed: some of these documents, and why.
    """

    labels: pa.Table
    moved: pa.Table
    patch: pa.Table
    counts: dict[str, int]
    left: frozenset[str]
    listed: tuple[tuple[str, LeftReason], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    """A version with its rows, by ordinal."""

    rows: Sequence[_Row]

    @property
    def first(self) -> _Row:
        return self.rows[0]

    @property
    def place(self) -> tuple[str, str]:
        """Where it was read."""
        return self.first["source"], self.first["position"]

    @property
    def labels(self) -> tuple[Any, ...]:
        """What tells two records of one moment apart."""
        return (self.first["version"], tuple(self.first["groups"]))


@dataclass(slots=True, kw_only=True)
class _Gathered:
    labels: list[_Row] = field(default_factory=list)
    moved: list[_Row] = field(default_factory=list)
    patches: list[tuple[int, int | None, tuple[str, ...] | None]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    left: set[str] = field(default_factory=set)
    listed: list[tuple[str, LeftReason]] = field(default_factory=list)
    reached: set[tuple[str, str]] = field(default_factory=set)

    def leave(self, delivered: _Version, reason: LeftReason) -> None:
        self.counts[f"{LEFT}{reason}"] += 1
        self.left.add(delivered.first["source"])
        self.listed.append((delivered.first["doc_id"], reason))

    def lose(self, held: _Version) -> None:
        """Count a version that nothing can be read of again; the source is done with it all the same."""
        self.counts[f"{LEFT}{LeftReason.GONE}"] += 1
        self.listed.append((held.first["doc_id"], LeftReason.GONE))


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNow:
    """The source of a relabelling, as it is now.

    Attributes:
        name: that its documents are filed under.
        present: URIs of its parts that are there.
        unchanged: those of them that are as they were when they were read.
    """

    name: str
    present: frozenset[str]
    unchanged: frozenset[str]

    def has_lost(self, uri: str) -> bool:
        """Return whether a part is one of this source, and is not there any more."""
        return uri.startswith(f"{self.name}/") and uri not in self.present


def relabel_shard(delivered: pa.Table, held: pa.Table, *, source: SourceNow) -> Relabelled:
    """Decide which versions a shard's deliveries relabel.

    Args:
        delivered: chunk rows with `position`, in any order.
        held: all rows the parent snapshot holds of the shard, as `HELD_CHUNK_SCHEMA`.
        source: that was read.

    Returns:
        What changes; none of it depends on the order of the input.
    """
    deliveries = _group(delivered, "version", "source", "position")
    versions = _group(held, "version")
    gathered = _Gathered()
    for doc_id in sorted(deliveries):
        _relabel_document(gathered, deliveries[doc_id], versions.get(doc_id, []), source.unchanged)
    for doc_id in sorted(versions):
        _find_lost(gathered, deliveries.get(doc_id, []), versions[doc_id], source)
    return Relabelled(
        labels=_sort(gathered.labels, LABEL_SCHEMA),
        moved=_sort(gathered.moved, MOVED_SCHEMA),
        patch=build_patch(gathered.patches),
        counts=dict(sorted(gathered.counts.items())),
        left=frozenset(gathered.left),
        listed=tuple(sorted(gathered.listed)[:MAX_LISTED]),
    )


def _relabel_document(
    gathered: _Gathered, deliveries: Sequence[_Version], held: Sequence[_Version], unchanged: frozenset[str]
) -> None:
    by_moment: dict[int, list[_Version]] = defaultdict(list)
    for item in deliveries:
        by_moment[item.first["known_from"]].append(item)
    groups: dict[str, tuple[str, ...]] = {}
    for _, rivals in sorted(by_moment.items()):
        delivered = min(rivals, key=lambda item: (item.first["source"] not in unchanged, item.place))
        if len({item.labels for item in rivals}) > 1:
            for rival in rivals:
                gathered.leave(rival, LeftReason.CONFLICT)
            continue
        target = _find_target(delivered, held, moments=by_moment.keys())
        reason = _find_obstacle(delivered, target, unchanged)
        if reason is not None or target is None:
            gathered.leave(delivered, reason or LeftReason.UNKNOWN)
            continue
        for version in _list_equal(target, held):
            gathered.reached.add((version.first["doc_id"], version.first["version"]))
            _label(gathered, delivered, version)
        groups[target.first["version"]] = tuple(delivered.first["groups"])
    _regroup(gathered, held, groups)


def _find_lost(
    gathered: _Gathered, deliveries: Sequence[_Version], held: Sequence[_Version], source: SourceNow
) -> None:
    """Count the versions of a document whose part is gone, or was read and says something else by now."""
    read = {item.first["source"] for item in deliveries} - gathered.left
    for item in held:
        first = item.first
        if (first["doc_id"], first["version"]) in gathered.reached:
            continue
        if source.has_lost(first["source"]) or first["source"] in read:
            gathered.lose(item)


def _find_target(
    delivered: _Version, held: Sequence[_Version], *, moments: Collection[int]
) -> _Version | None:
    """Return the version that a record became when it was read by another mapping.

    The newest record is the version that nothing has ended. An older one is the version of the same moment,
    unless something else was read there since, which that moment does not tell from it.

    Args:
        delivered: the record.
        held: the versions of its document.
        moments: at which the source says now that versions of the document became known.
    """
    mine = [item for item in held if item.first["source"] == delivered.first["source"]]
    known_from = delivered.first["known_from"]
    if known_from == max(moments):
        for item in mine:
            if item.first["known_to"] == OPEN_END:
                return item
    of_moment = [item for item in mine if item.first["known_from"] == known_from]
    others = [item for item in mine if item.first["known_from"] not in moments]
    return of_moment[0] if of_moment and not others else None


def _list_equal(target: _Version, held: Sequence[_Version]) -> list[_Version]:
    """Return the version, and others of the same content from the same place, which came back there.

    They differ in their times alone.
    """
    mine = [item for item in held if item.first["source"] == target.first["source"]]
    contents = [item.first["content"] or item.first["version"] for item in mine]
    of_target = [content for content in contents if _make_held(target).holds(content)]
    return [item for item in mine if any(_make_held(item).holds(content) for content in of_target)]


def _find_obstacle(
    delivered: _Version, target: _Version | None, unchanged: frozenset[str]
) -> LeftReason | None:
    """Return why a version cannot be relabelled, or `None`."""
    if delivered.first["source"] not in unchanged:
        return LeftReason.CHANGED
    if target is None:
        return LeftReason.UNKNOWN
    if target.first["zone"] != delivered.first["zone"]:
        return LeftReason.ZONE
    return None if _is_same_text(delivered.rows, target.rows) else LeftReason.TEXT


def _label(gathered: _Gathered, delivered: _Version, target: _Version) -> None:
    source, now = delivered.first, _make_held(target)
    if now.holds(source["version"]):
        gathered.counts["repeated"] += frozenset(now.groups) == frozenset(source["groups"])
        return
    gathered.counts["relabelled"] += 1
    gathered.counts["times_kept"] += source["known_from"] != now.known_from
    new = {name: source[name] for name in ("title", "event_time", "attributes")}
    new["content"] = source["version"]
    for row, heading in zip(target.rows, _find_headings(delivered.rows, target.rows), strict=True):
        is_moved = heading != row["heading"]
        gathered.labels.append({**new, "chunk_id": row["chunk_id"], "is_moved": is_moved})
        if is_moved:
            gathered.moved.append({**row, **new, "heading": heading})


def _find_headings(delivered: Sequence[_Row], held: Sequence[_Row]) -> list[str]:
    """Return the new heading of each held row: that of the delivered row that begins last before it.

    A title of another length may cut the text elsewhere; rows that are held keep their places.
    """
    headings = []
    for row in held:
        before = [item for item in delivered if item["start"] <= row["start"]] or delivered[:1]
        headings.append(max(before, key=lambda item: item["start"])["heading"])
    return headings


def _regroup(gathered: _Gathered, held: Sequence[_Version], groups: Mapping[str, tuple[str, ...]]) -> None:
    if not groups:
        return
    versions = [_make_held(item) for item in held]
    changes = regroup_document(versions, groups)
    rows_of = {item.first["version"]: item.rows for item in held}
    for change in changes:
        gathered.patches += [(row["chunk_id"], None, change.groups) for row in rows_of[change.version]]
    gathered.counts["regrouped"] += len(changes)
    gathered.counts["opened_by_mapping"] += opens_document(versions, DocumentPlan(changes=changes))


def _make_held(version: _Version) -> Held:
    first = version.first
    return Held(
        version=first["version"],
        known_from=first["known_from"],
        known_to=first["known_to"],
        groups=tuple(first["groups"]),
        is_due=False,
        content=first["content"] or "",
        zone=first["zone"],
    )


def _is_same_text(first: Sequence[_Row], second: Sequence[_Row]) -> bool:
    """Return whether two cuts are of the same text; what lies in no row of it is space."""
    return _lay_out(first) == _lay_out(second)


def _lay_out(rows: Sequence[_Row]) -> str:
    characters = [" "] * max(row["end"] for row in rows)
    for row in rows:
        characters[row["start"] : row["end"]] = row["text"]
    return _SPACE.sub(" ", "".join(characters))


def _group(table: pa.Table, *names: str) -> dict[str, list[_Version]]:
    """Return the versions of each document, their rows by ordinal."""
    rows_of: dict[tuple[str, ...], list[_Row]] = defaultdict(list)
    for row in table.to_pylist():
        rows_of[(row["doc_id"], *(row[name] for name in names))].append(row)
    versions: dict[str, list[_Version]] = defaultdict(list)
    for key in sorted(rows_of):
        rows = sorted(rows_of[key], key=lambda row: row["ordinal"])
        versions[key[0]].append(_Version(rows=rows))
    return versions


def _sort(rows: Sequence[_Row], schema: pa.Schema) -> pa.Table:
    ordered = sorted(rows, key=lambda row: row["chunk_id"])
    return pa.Table.from_pylist(
        [{name: row[name] for name in schema.names} for row in ordered], schema=schema
    )
