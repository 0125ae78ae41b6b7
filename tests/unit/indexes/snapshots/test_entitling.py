"""A snapshot under a newer one's groups, against plain rows: writes, regroupings, compactions, rollbacks."""

from __future__ import annotations

import random

import numpy as np
import pytest

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.contracts.collections import Collection
from eagleray.contracts.principals import Principal
from indexes.masks.visibility import is_open_zone, select_readable
from indexes.segments.compacting import compact_segments
from indexes.snapshots.catalog import load_snapshot, put_collection, put_snapshot
from indexes.snapshots.entitling import Entitler
from indexes.snapshots.opened import open_snapshot
from indexes.storage import open_store
from tests.small_collections import SPEC, make_manifest, make_rows, make_vectors, put_changes, put_segment

GROUPS = ("desk", "credit", "rates")
ZONES = ("default", "emea")
CALLERS = [
    Principal(subject="x", groups=frozenset(groups), zones=zones)
    for groups in [(), ("desk",), ("rates", "credit")]
    for zones in (None, frozenset({"emea"}), frozenset({"default"}))
]


class History:
    """Snapshots beside plain rows: chunk_id -> (zone, groups)."""

    def __init__(self, store, seed):
        self.store, self.drawn, self.rng = store, random.Random(seed), np.random.default_rng(seed)  # noqa: S311 - no secrets
        put_collection(store, SPEC)
        self.states, self.n_documents = {}, 0
        self.rows, self.segments, self.patches = {}, {}, ()

    def step(self):
        """Change the collection as a write, a regrouping, a compaction, a rollback or a rebuild does."""
        change = self.drawn.choice(
            [self.add, self.add, self.regroup, self.regroup, self.compact, self.roll_back]
        )
        (self.add if not self.rows else change)()
        manifest = make_manifest(self.store, tuple(self.segments), patches=self.patches)
        self.states[put_snapshot(self.store, manifest)] = (dict(self.rows), dict(self.segments), self.patches)

    def add(self):
        zone = self.drawn.choice(ZONES)
        rows = make_rows(self.rng, n_documents=3, first=self.n_documents, zone=zone)
        self.n_documents += 3
        for row in rows:
            row["groups"] = sorted(self.drawn.sample(GROUPS, self.drawn.randrange(3)))
        digest = put_segment(self.store, rows, make_vectors(self.rng, len(rows)), zone=zone)
        self.segments[digest] = zone
        self.rows |= {row["chunk_id"]: (zone, frozenset(row["groups"])) for row in rows}

    def regroup(self):
        chosen = self.drawn.sample(sorted(self.rows), min(4, len(self.rows)))
        changes = [(name, None, self.drawn.sample(GROUPS, self.drawn.randrange(3))) for name in chosen]
        self.patches = (*self.patches, put_changes(self.store, changes))
        self.rows |= {name: (self.rows[name][0], frozenset(groups)) for name, _, groups in changes}

    def compact(self):
        zone = self.drawn.choice(sorted(set(self.segments.values())))
        mine = [digest for digest, held in self.segments.items() if held == zone]
        made = compact_segments(Collection(self.store, SPEC.name), mine)
        self.segments = {digest: held for digest, held in self.segments.items() if held != zone} | {
            made: zone
        }

    def roll_back(self):
        rows, segments, self.patches = self.states[self.drawn.choice(sorted(self.states))]
        self.rows, self.segments = dict(rows), dict(segments)


def list_readable(views, principal):
    found = set()
    for view in views:
        bits = np.unpackbits(select_readable(view, principal), count=view.n_rows, bitorder="little")
        if is_open_zone(view, principal):
            found |= set(view.chunk_ids[bits.astype(bool)].tolist())
    return found


def may_read(row, principal):
    zone, groups = row
    return (principal.zones is None or zone in principal.zones) and (
        not groups or bool(groups & principal.groups)
    )


@pytest.mark.parametrize("seed", range(4))
def test_every_snapshot_is_read_as_every_other_one_says(tmp_path, seed):
    history = History(open_store(tmp_path), seed)
    for _ in range(9):
        history.step()
    n_hidden = n_opened = 0
    for older, (rows, *_) in history.states.items():
        opened = open_snapshot(Collection(history.store, SPEC.name), older)
        entitler = Entitler(
            history.store,
            load_snapshot(Collection(history.store, SPEC.name), older),
            opened.segments,
            cache=None,
        )
        for newest, (now, *_) in history.states.items():
            for is_published in (True, False):
                asked = AskedSnapshot(snapshot=older, entitled_by=newest, is_published=is_published)
                views = entitler.entitle(asked)
                for principal in CALLERS:
                    rest = {} if is_published else rows
                    expected = {
                        name
                        for name in rows
                        if (held := now.get(name, rest.get(name))) and may_read(held, principal)
                    }
                    assert list_readable(views, principal) == expected
                    own = {name for name, row in rows.items() if may_read(row, principal)}
                    n_hidden += len(own - expected)
                    n_opened += len(expected - own)
    assert n_hidden > 100
    assert n_opened > 100
