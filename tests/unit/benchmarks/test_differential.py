"""A slice of the differential run, and proof that it would notice."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import differential
from eagleray.contracts.times import OPEN_END
from indexes.dense import flat
from indexes.masks import timelines, visibility
from indexes.planning import plans


@pytest.fixture(autouse=True)
def kept_costs(monkeypatch):
    for name in ("APPROXIMATE", "LIST", "CODE"):
        monkeypatch.setattr(plans, name, getattr(plans, name))


def test_nothing_leaks_and_nothing_differs():
    figures = differential.run(1_500, seed=11)
    assert (figures["checks"], figures["leaks"], figures["differences"]) == (1_500, 0, 0)
    assert figures["plan approximate"] > 20
    assert 0.5 < figures["recall"] < 1.0


def test_a_mask_that_forgets_groups_is_noticed(monkeypatch):
    monkeypatch.setattr(
        "indexes.searching.targets.select_readable",
        lambda view, principal: np.full(view.group_bits.shape[1], 0xFF, dtype=np.uint8),
    )
    with pytest.raises(Exception, match="guard|groups"):
        differential.run(300, seed=12)


def test_a_mask_that_hides_rows_is_noticed(monkeypatch):
    real = visibility.select_readable

    def hide(view, principal):
        bits = real(view, principal)
        bits[0] = 0
        return bits

    monkeypatch.setattr("indexes.searching.targets.select_readable", hide)
    figures = differential.run(300, seed=13)
    assert figures["leaks"] + figures["differences"] > 0


def test_a_mask_that_knows_the_future_is_noticed(monkeypatch):
    real = timelines.Timeline.select

    def late(self, as_of):
        return real(self, None if as_of is None else min(as_of + 5, OPEN_END - 1))

    monkeypatch.setattr(timelines.Timeline, "select", late)
    with pytest.raises(Exception, match="known"):
        differential.run(300, seed=14)


def test_scores_that_are_off_are_noticed(monkeypatch):
    real = flat.compare_rows
    monkeypatch.setattr(
        flat, "compare_rows", lambda vectors, rows, query: real(vectors, rows, query) * np.float32(1.001)
    )
    assert differential.run(300, seed=15)["differences"] > 0
