from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from eagleray.contracts.indexes import TextField
from indexes.lexical.building import build_postings
from indexes.lexical.scoring import find_best, weigh_terms
from indexes.searching import channels
from indexes.searching.channels import LexicalChannel
from indexes.searching.targets import Counts
from indexes.selections import select_all, select_mask

WORDS = [f"word{number}" for number in range(12)]
TERMS = {"word0": 1, "word3": 2, "word7": 1, "word11": 1}


def make_target(rng, *, n_rows, is_masked):
    """Return rows of few words, the first ones the commonest, so that many scores are equal."""
    weights = 1.0 / np.arange(1, len(WORDS) + 1)
    chosen = [rng.choice(WORDS, size=rng.integers(1, 7), p=weights / weights.sum()) for _ in range(n_rows)]
    postings = build_postings([" ".join(words) for words in chosen])
    ids = rng.integers(0, 1 << 62, size=n_rows)
    view = SimpleNamespace(postings={TextField.BODY: postings}, chunk_ids=ids)
    selection = select_mask(rng.random(n_rows) < 0.4) if is_masked else select_all(n_rows)
    return SimpleNamespace(view=view, selection=selection, counts=Counts(view, selection))


def list_found(best):
    """Return part, row of what was found, and its two bounds."""
    pairs = zip(best.found.parts.tolist(), best.found.rows.tolist(), strict=True)
    return sorted(pairs), best.greatest, best.least


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("n", [1, 3, 10, 40, 3_000])
def test_what_earlier_segments_hold_spares_work_and_changes_nothing(monkeypatch, seed, n):
    rng = np.random.default_rng(seed)
    sizes = rng.permutation([0, 1, 5, 300, 2_500, 6_000])
    targets = [make_target(rng, n_rows=size, is_masked=seed % 2) for size in sizes if size]
    bounded = LexicalChannel(targets, TERMS).find(n)

    def find_without(*args, floor, **options):
        return find_best(*args, **options)

    monkeypatch.setattr(channels, "find_best", find_without)
    assert list_found(bounded) == list_found(LexicalChannel(targets, TERMS).find(n))


@pytest.mark.parametrize("seed", range(4))
def test_a_floor_leaves_out_exactly_the_rows_below_it(seed):
    target = make_target(np.random.default_rng(seed), n_rows=5_000, is_masked=seed % 2)
    weighted = weigh_terms(TERMS, LexicalChannel([target], TERMS).statistics)
    postings, ids = target.view.postings[TextField.BODY], target.view.chunk_ids
    every = find_best(postings, weighted, target.selection, ids=ids, k=60)
    for floor in (*np.unique(every.scores), float(every.scores[0]) + 1.0):
        found = find_best(postings, weighted, target.selection, ids=ids, k=60, floor=float(floor))
        n_kept = int((every.scores >= floor).sum())
        assert found.rows.tolist() == every.rows[:n_kept].tolist()
        assert found.scores.tobytes() == every.scores[:n_kept].tobytes()
