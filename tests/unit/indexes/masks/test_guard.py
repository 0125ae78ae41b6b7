from __future__ import annotations

import numpy as np
import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.principals import Principal
from eagleray.contracts.times import LATEST
from eagleray.errors import GuardError
from indexes.masks.guard import guard_row, guard_rows
from indexes.snapshots.opened import open_snapshot
from indexes.storage import open_store
from tests.small_collections import DAY, SPEC, put_small_snapshot

PRINCIPALS = [
    Principal(subject="a"),
    Principal(subject="b", groups=frozenset({"rates"})),
    Principal(subject="c", groups=frozenset({"credit", "desk"})),
    Principal(subject="d", groups=frozenset({"rates"}), zones=frozenset({"elsewhere"})),
]


def is_refused(check, *arguments, **keywords):
    try:
        check(*arguments, **keywords)
    except GuardError:
        return True
    return False


@pytest.mark.parametrize("principal", PRINCIPALS)
def test_rows_together_are_refused_where_one_alone_is(tmp_path, principal):
    store = open_store(tmp_path)
    refused = set()
    for view in open_snapshot(Collection(store, SPEC.name), put_small_snapshot(store)).segments:
        for as_of in (None, -1, 5 * DAY, 30 * DAY, 55 * DAY):
            times = np.array([LATEST if as_of is None else as_of])
            for row in range(view.n_rows):
                alone = is_refused(guard_row, view, row, as_of=as_of, principal=principal)
                rows = np.array([row])
                assert alone == is_refused(guard_rows, view, rows, times=times, principal=principal)
                refused.add(alone)
    assert refused == ({True} if principal.zones else {True, False})


def test_one_wrong_row_among_right_ones_is_refused_by_name(tmp_path):
    store = open_store(tmp_path)
    view = open_snapshot(Collection(store, SPEC.name), put_small_snapshot(store)).segments[0]
    rows = np.flatnonzero((view.known_from <= 40 * DAY) & (view.known_to > 40 * DAY))
    everyone = Principal(subject="e", groups=frozenset(view.group_names))
    times = np.full(len(rows), 40 * DAY)
    guard_rows(view, rows, times=times, principal=everyone)
    times[3] = int(view.known_from[rows[3]]) - 1
    with pytest.raises(GuardError, match=str(view.chunk_ids[rows[3]])):
        guard_rows(view, rows, times=times, principal=everyone)
