"""Delivered rows against what the collection holds of the same documents: new rows, patch rows, faults.

`reconciliation` decides, document by document; here its decisions become rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from eagleray.contracts.chunks import CHUNK_SCHEMA
from eagleray.contracts.documents import DeadLetter, DeadLetterReason
from eagleray.contracts.times import OPEN_END, format_micros
from eagleray.digests import make_chunk_id
from indexes.segments.patching import PATCH_SCHEMA
from indexes.writing.reconciliation import find_unread, opens_document, reconcile_document
from indexes.writing.versions import Addition, DeliveredVersion, DocumentPlan, Held

TOMBSTONE_SCHEMA: Final = pa.schema(
    [
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("known_to", pa.int64(), nullable=False),
    ]
)
"""Documents that their source removed, and when, microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remapping:
    """What of a delivery was made by another mapping than when its source was last read.

    Attributes:
        is_all: whether all of it was.
        unchanged: sources that are as they were, so that the mapping alone changes their documents.
    """

    is_all: bool = False
    unchanged: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Arranged:
    """What a shard's documents come to.

    Attributes:
        unread: sources that have to be read, too, before any of it holds: some documents may still be there.
    """

    rows: pa.Table
    patch: pa.Table
    dead_letters: tuple[DeadLetter, ...]
    counts: dict[str, int]
    unread: frozenset[str] = frozenset()


@dataclass(slots=True, kw_only=True)
class _Gathered:
    """Rows of the answer while documents are gone through, in order."""

    indices: list[int] = field(default_factory=list)
    additions: list[Addition] = field(default_factory=list)
    patches: list[tuple[int, int | None, tuple[str, ...] | None]] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    unread: set[str] = field(default_factory=set)


def arrange_shard(
    delivered: pa.Table,
    state: pa.Table,
    *,
    chunker_digest: str,
    now: int,
    tombstones: pa.Table | None = None,
    remapping: Remapping | None = None,
) -> Arranged:
    """Decide what a shard's deliveries change.

    Args:
        delivered: chunk rows with `position`, in any order.
        state: rows the parent snapshot holds: chunk_id, doc_id, version, known_from, known_to,
            groups, is_due, unread.
        chunker_digest: goes into the ids of rows whose version gets another name.
        now: when the run began, microseconds.
        tombstones: documents that were removed, as `TOMBSTONE_SCHEMA`; `None` for none.
        remapping: what was made by another mapping than before; `None` for nothing.

    Returns:
        New rows sorted by chunk_id, patch rows sorted by chunk_id, dead letters and counts; none
        of them depends on the order of the input.
    """
    deliveries, rows_of = _group_deliveries(delivered)
    held, ids_of = _group_held(state)
    removals = _group_removals(tombstones)
    gathered = _Gathered()
    for doc_id in sorted(deliveries.keys() | held.keys()):
        mine, found, removed_at = held.get(doc_id, []), deliveries.get(doc_id, []), removals.get(doc_id, ())
        plan = reconcile_document(found, mine, now=now, removed_at=removed_at)
        gathered.unread.add(find_unread(found, mine, plan, removed_at=removed_at))
        for addition in plan.additions:
            rows = rows_of[doc_id, addition.delivery.version, addition.delivery.key]
            gathered.indices += rows
            gathered.additions += [addition] * len(rows)
        for change in plan.changes:
            gathered.patches += [
                (chunk_id, change.known_to, change.groups) for chunk_id in ids_of[doc_id, change.version]
            ]
        gathered.dead_letters += [_make_dead_letter(doc_id, conflict) for conflict in plan.conflicts]
        _count(gathered.counts, plan, mine, is_delivered=doc_id in deliveries)
        if remapping is not None and found:
            _count_remapped(gathered.counts, plan, mine, found, remapping)
    return Arranged(
        rows=_build_rows(delivered, gathered, chunker_digest),
        patch=build_patch(gathered.patches),
        dead_letters=tuple(gathered.dead_letters),
        counts=dict(sorted(gathered.counts.items())),
        unread=frozenset(gathered.unread - {""}),
    )


def _group_removals(tombstones: pa.Table | None) -> dict[str, list[int]]:
    times: dict[str, list[int]] = defaultdict(list)
    if tombstones is not None:
        pairs = zip(*(tombstones[name].to_pylist() for name in TOMBSTONE_SCHEMA.names), strict=True)
        for doc_id, known_to in pairs:
            times[doc_id].append(known_to)
    return times


def _group_deliveries(
    table: pa.Table,
) -> tuple[dict[str, list[DeliveredVersion]], dict[tuple[str, str, str], list[int]]]:
    names = ("doc_id", "version", "known_from", "known_to", "groups", "zone", "source", "position")
    columns = [table[name].to_pylist() for name in names]
    rows_of: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    deliveries: dict[str, list[DeliveredVersion]] = defaultdict(list)
    for row, (doc_id, version, known_from, known_to, groups, zone, source, position) in enumerate(
        zip(*columns, strict=True)
    ):
        key = f"{source}\n{position}"
        rows = rows_of[doc_id, version, key]
        if not rows:
            deliveries[doc_id].append(
                DeliveredVersion(
                    version=version,
                    known_from=known_from,
                    known_to=known_to,
                    groups=tuple(groups),
                    key=key,
                    zone=zone,
                )
            )
        rows.append(row)
    return deliveries, rows_of


def _group_held(state: pa.Table) -> tuple[dict[str, list[Held]], dict[tuple[str, str], list[int]]]:
    ids_of: dict[tuple[str, str], list[int]] = defaultdict(list)
    held: dict[str, list[Held]] = defaultdict(list)
    for row in state.to_pylist():
        ids = ids_of[row["doc_id"], row["version"]]
        if not ids:
            held[row["doc_id"]].append(
                Held(
                    version=row["version"],
                    known_from=row["known_from"],
                    known_to=row["known_to"],
                    groups=tuple(row["groups"]),
                    is_due=row["is_due"],
                    content=row["content"] or "",
                    unread=row["unread"] or "",
                    zone=row["zone"],
                )
            )
        ids.append(row["chunk_id"])
    return held, ids_of


def _count(counts: dict[str, int], plan: DocumentPlan, held: Sequence[Held], *, is_delivered: bool) -> None:
    open_before = {item.version for item in held if item.known_to == OPEN_END}
    closed = {change.version for change in plan.changes if change.known_to is not None}
    open_added = any(item.known_to == OPEN_END for item in plan.additions)
    counts["versions_added"] += len(plan.additions)
    counts["documents_new"] += bool(plan.additions and not held)
    counts["superseded" if is_delivered else "removed"] += len(closed & open_before)
    counts["regrouped"] += sum(change.groups is not None for change in plan.changes)
    counts["repeated"] += plan.n_repeated
    counts["conflicts"] += len(plan.conflicts)
    counts["open_change"] += int(bool(open_before - closed) or open_added) - int(bool(open_before))


def _count_remapped(
    counts: dict[str, int],
    plan: DocumentPlan,
    held: Sequence[Held],
    deliveries: Sequence[DeliveredVersion],
    remapping: Remapping,
) -> None:
    """Count what the mapping does to a document that did not change."""
    source = max(deliveries, key=lambda item: item.known_from).source
    is_unchanged = source in remapping.unchanged
    closed = {change.version for change in plan.changes if change.known_to is not None}
    n_closed = sum(item.known_to == OPEN_END and item.version in closed for item in held)
    counts["superseded_by_mapping"] += n_closed * is_unchanged
    counts["opened_by_mapping"] += remapping.is_all and opens_document(held, plan)


def _make_dead_letter(doc_id: str, conflict: DeliveredVersion) -> DeadLetter:
    source, _, position = conflict.key.partition("\n")
    detail = (
        f"another record of the same id claims {format_micros(conflict.known_from)} with other content; "
        "neither is used: give one of them a later known_from, or drop it"
    )
    return DeadLetter(
        source=source,
        position=position,
        reason=DeadLetterReason.CONFLICTING_DUPLICATE,
        detail=detail,
        doc_id=doc_id,
    )


def _build_rows(delivered: pa.Table, gathered: _Gathered, chunker_digest: str) -> pa.Table:
    table = delivered.take(pa.array(gathered.indices, pa.int64())).select(CHUNK_SCHEMA.names)
    ordinals, doc_ids = table["ordinal"].to_pylist(), table["doc_id"].to_pylist()
    ids = table["chunk_id"].to_pylist()
    for row, addition in enumerate(gathered.additions):
        if addition.version != addition.delivery.version:
            ids[row] = make_chunk_id(doc_ids[row], addition.version, chunker_digest, ordinals[row])
    replaced = {
        "chunk_id": pa.array(ids, pa.int64()),
        "version": pa.array([item.version for item in gathered.additions], pa.string()),
        "known_from": pa.array([item.known_from for item in gathered.additions], pa.int64()),
        "known_to": pa.array([item.known_to for item in gathered.additions], pa.int64()),
        "groups": pa.array([sorted(item.groups) for item in gathered.additions], pa.list_(pa.string())),
    }
    columns = [replaced.get(name, table[name]) for name in CHUNK_SCHEMA.names]
    built = pa.Table.from_arrays(columns, schema=CHUNK_SCHEMA)
    return built.take(np.argsort(np.asarray(ids, dtype=np.int64), kind="stable")).combine_chunks()


def build_patch(changes: Sequence[tuple[int, int | None, tuple[str, ...] | None]]) -> pa.Table:
    """Return patch rows of `PATCH_SCHEMA`, sorted: chunk_id, new `known_to` and new groups each."""
    ordered = sorted(changes, key=lambda item: item[0])
    return pa.Table.from_arrays(
        [
            pa.array([item[0] for item in ordered], pa.int64()),
            pa.array([item[1] for item in ordered], pa.int64()),
            pa.array(
                [None if item[2] is None else sorted(item[2]) for item in ordered], pa.list_(pa.string())
            ),
        ],
        schema=PATCH_SCHEMA,
    )
