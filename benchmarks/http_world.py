"""A small collection in many states, each a snapshot, with its rows as plain values and canaries.

A canary is a word that stands in one row's text, title, source and attribute, and nowhere else.
"""

from __future__ import annotations

import random
import re
import tempfile
from collections.abc import Sequence
from copy import copy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from benchmarks.differential_oracle import Oracle
from benchmarks.differential_world import GROUPS, N_MOMENTS, VALUES, WORDS, ZONES, Row
from eagleray.contracts.chunks import CHUNK_SCHEMA
from eagleray.contracts.collections import Collection
from eagleray.contracts.documents import AttributeTypes
from eagleray.contracts.manifests import ChunkerIdentity, CollectionSpec, SnapshotManifest
from eagleray.contracts.ports import Store
from eagleray.contracts.times import OPEN_END
from eagleray.digests import canonical_json
from eagleray.embedders.hashing import HashingEmbedder
from eagleray.settings import Settings, load_settings
from indexes.segments.attributes import merge_attribute_types
from indexes.segments.opened_segment import open_segment
from indexes.segments.patching import PATCH_SCHEMA
from indexes.segments.segment_files import SegmentSpec, write_segment
from indexes.segments.segment_upload import publish_segment
from indexes.segments.view import SegmentView
from indexes.snapshots.catalog import put_collection, put_snapshot
from indexes.snapshots.opened import count_open_documents
from indexes.snapshots.patches import make_patch, put_patch, read_patch
from indexes.storage import open_store

COLLECTION: Final = "world"
CANARY: Final = re.compile(rb"zq\d{8}x")
EMBEDDER: Final = HashingEmbedder()
_SPEC: Final = CollectionSpec(
    name=COLLECTION,
    embedder=EMBEDDER.identity.model,
    chunker=ChunkerIdentity(
        tokenizer="0" * 64, max_tokens=256, target_tokens=230, overlap_tokens=40, rules=1
    ),
)

_Patch = dict[int, tuple[int | None, frozenset[str] | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What one snapshot holds.

    Attributes:
        snapshot: its id.
        rows: chunk_id -> row, patches applied.
        oracle: answers from these rows.
    """

    snapshot: str
    rows: dict[int, Row]
    oracle: Oracle


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpWorld:
    """A collection to serve, and what each of its snapshots must answer.

    Attributes:
        states: snapshot id -> state, oldest first.
        canaries: word -> chunk_id.
    """

    settings: Settings
    states: dict[str, State]
    canaries: dict[bytes, int]

    def find_hidden(self, groups: frozenset[str], zones: frozenset[str] | None) -> list[Row]:
        """Return rows that these may read in no state, at no time."""
        may: set[int] = set()
        rows: dict[int, Row] = {}
        for state in self.states.values():
            rows |= state.rows
            may |= {name for name, row in state.rows.items() if is_readable(row, groups, zones)}
        return [row for name, row in rows.items() if name not in may]


def is_readable(row: Row, groups: frozenset[str], zones: frozenset[str] | None) -> bool:
    """Return whether groups and zones let somebody read a row."""
    return (not row.groups or bool(row.groups & groups)) and (zones is None or row.zone in zones)


def name_canary(row: Row) -> str:
    """Return the word that only this row holds."""
    return f"zq{row.chunk_id % 10**8:08d}x"


def make_http_world(seed: int, folder: Path, *, n_states: int = 6, name: str = COLLECTION) -> HttpWorld:
    """Draw rows, and write states: rows are added, closed, and given other groups from one to the next."""
    drawn, spec = random.Random(seed), replace(_SPEC, name=name)  # noqa: S311 - draws values, not secrets
    settings = load_settings(store=str(folder / "store"), collection=name, cache=str(folder / "cache"))
    embedder = settings.embedder.model_copy(update={"model": "hashing"})
    settings = settings.model_copy(update={"embedder": embedder})
    store = open_store(settings.store)
    put_collection(store, spec)
    ids = drawn.sample(range(1, 10**8), 4_000)
    rows: list[Row] = []
    segments: list[str] = []
    patches: list[str] = []
    states: dict[str, State] = {}
    for number in range(n_states):
        if number % 3 == 0:
            added = _draw_rows(drawn, ids, first=len({row.doc_id for row in rows}), n=drawn.randrange(20, 90))
            segments += [
                _write(store, [row for row in added if row.zone == zone], zone, name) for zone in ZONES
            ]
            rows += added
        else:
            patch = _draw_patch(rows, drawn)
            patches.append(put_patch(Collection(store, name), make_patch(_show_patch(patch))))
            rows = _apply(rows, patch)
        snapshot = put_snapshot(store, _make_manifest(store, spec, segments, patches))
        states[snapshot] = State(
            snapshot=snapshot, rows={row.chunk_id: row for row in rows}, oracle=Oracle(rows)
        )
        rows = [copy(row) for row in rows]
    every = {row.chunk_id: row for state in states.values() for row in state.rows.values()}
    canaries = {name_canary(row).encode(): row.chunk_id for row in every.values()}
    return HttpWorld(settings=settings, states=states, canaries=canaries)


def _draw_rows(drawn: random.Random, ids: list[int], *, first: int, n: int) -> list[Row]:
    rows = []
    for number in range(first, first + n):
        zone = ZONES[number % 2]
        groups = frozenset(drawn.sample(GROUPS, drawn.randrange(3)))
        begin = drawn.randrange(N_MOMENTS)
        end = OPEN_END if drawn.random() < 0.7 else begin + drawn.randrange(1, 30)
        attributes = {name: drawn.choice(of) for name, of in VALUES.items() if drawn.random() < 0.8}
        for _ in range(drawn.randrange(1, 4)):
            row = Row(
                chunk_id=ids.pop(),
                doc_id=f"doc{number}",
                zone=zone,
                title="",
                text="",
                groups=groups,
                known_from=begin,
                known_to=end,
                attributes=dict(attributes),
                vector=np.zeros(0),
            )
            canary = name_canary(row)
            words = drawn.choices(WORDS, k=drawn.randrange(3, 25))
            row.text = " ".join([*words, canary])
            row.title = " ".join([*drawn.choices(WORDS, k=drawn.randrange(3)), canary])
            row.attributes["note"] = canary
            row.attributes[f"{canary}.own"] = 1
            row.vector = EMBEDDER.embed_passages([row.text])[0]
            rows.append(row)
    return rows


def _write(store: Store, part: list[Row], zone: str, collection: str) -> str:
    table = pa.Table.from_pylist([_show_row(row) for row in part], schema=CHUNK_SCHEMA)
    with tempfile.TemporaryDirectory(prefix="eagleray-world-") as name:
        write_segment(
            table,
            np.stack([row.vector for row in part]),
            spec=SegmentSpec(zone=zone, embedder=EMBEDDER.identity),
            folder=Path(name) / "segment",
        )
        return publish_segment(Collection(store, collection), Path(name) / "segment")


def _join_types(views: Sequence[SegmentView]) -> AttributeTypes:
    types: AttributeTypes = {}
    for view in views:
        types = merge_attribute_types(types, view.attributes)
    return types


def _show_row(row: Row) -> dict[str, Any]:
    shown = asdict(row)
    del shown["vector"]
    more = {"version": "v", "ordinal": 0, "start": 0, "end": len(row.text), "page": None, "heading": ""}
    attributes = canonical_json(row.attributes).decode()
    groups = sorted(row.groups)
    source = f"desk/{name_canary(row)}.md"
    return {**shown, **more, "source": source, "event_time": None, "groups": groups, "attributes": attributes}


def _make_manifest(
    store: Store, spec: CollectionSpec, segments: list[str], patches: list[str]
) -> SnapshotManifest:
    tables = [read_patch(Collection(store, spec.name), digest).changes for digest in patches]
    views = [open_segment(Collection(store, spec.name), digest, patches=tables) for digest in segments]
    return SnapshotManifest(
        collection=spec,
        segments=tuple(segments),
        patches=tuple(patches),
        parent=None,
        n_rows=sum(view.n_rows for view in views),
        n_documents=count_open_documents(views),
        attributes=_join_types(views),
    )


def _draw_patch(rows: list[Row], drawn: random.Random) -> _Patch:
    """Close some rows, and give some other groups."""
    patch: _Patch = {}
    for row in drawn.sample(rows, max(2, len(rows) // 4)):
        end = row.known_from + drawn.randrange(1, 40) if drawn.random() < 0.4 else None
        groups = frozenset(drawn.sample(GROUPS, drawn.randrange(3))) if drawn.random() < 0.7 else None
        if end is not None or groups is not None:
            patch[row.chunk_id] = (end, groups)
    return patch


def _show_patch(patch: _Patch) -> pa.Table:
    rows = [
        {"chunk_id": name, "known_to": end, "groups": None if groups is None else sorted(groups)}
        for name, (end, groups) in sorted(patch.items())
    ]
    return pa.Table.from_pylist(rows, schema=PATCH_SCHEMA)


def _apply(rows: list[Row], patch: _Patch) -> list[Row]:
    """Return the rows as a patch leaves them: the earliest end wins, the last groups win."""
    changed = []
    for before in rows:
        end, groups = patch.get(before.chunk_id, (None, None))
        row = copy(before)
        row.known_to = row.known_to if end is None else min(row.known_to, end)
        row.groups = row.groups if groups is None else groups
        changed.append(row)
    return changed
