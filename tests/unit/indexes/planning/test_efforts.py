from __future__ import annotations

import numpy as np
import pytest

from eagleray.contracts.hits import PlanKind
from eagleray.contracts.indexes import IndexKind
from eagleray.testing.dense_indexes import DIM, make_clusters
from indexes.dense.flat import FlatIndex
from indexes.dense.queries import DenseQuery
from indexes.planning.efforts import SHARES, TARGET, bound_recall, learn_efforts
from indexes.planning.plans import plan_search
from indexes.selections import Selection, select_all, select_mask, select_none
from tests.contract.dense.conftest import build, train

N_ROWS = 12_000


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """An index, its rows, and what was learnt of it from one half of the queries; the other half."""
    vectors = make_clusters(21, n=N_ROWS)
    ids = np.arange(N_ROWS, dtype=np.int64)
    queries = make_clusters(22, n=400)
    index = build(train(IndexKind.IVF_PQ, vectors, n_lists=96), vectors, ids, tmp_path_factory.mktemp("ivf"))
    return index, FlatIndex(vectors, ids), learn_efforts(index, vectors, ids, queries[:200]), queries[200:]


def test_every_share_that_was_learnt_reaches_the_target(learnt):
    _, _, efforts, _ = learnt
    assert [effort.share for effort in efforts] == [share for share in SHARES if share >= efforts[-1].share]
    assert len(efforts) >= 3
    assert all(effort.recall >= TARGET for effort in efforts)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.2])
@pytest.mark.parametrize("shape", ["random", "prefix", "alike"])
def test_the_learnt_effort_finds_as_many_for_queries_it_has_not_seen(learnt, share, shape, rng):
    index, flat, efforts, queries = learnt
    n = int(share * N_ROWS)
    mask = np.zeros(N_ROWS, dtype=np.bool_)
    if shape == "random":
        mask[rng.choice(N_ROWS, size=n, replace=False)] = True
    elif shape == "alike":
        mask[np.argsort(-(make_clusters(21, n=N_ROWS) @ queries[0]))[:n]] = True
    else:
        mask[:n] = True
    selection = select_mask(mask)
    found = 0
    for query in queries:
        asked = DenseQuery(query, dim=DIM)
        plan = plan_search(selection, k=10, index=index, efforts=efforts)
        exact = flat.search(asked, k=10, selection=selection, effort=plan.effort)
        near = index.search(asked, k=10, selection=selection, effort=plan.effort)
        if plan.kind is not PlanKind.APPROXIMATE:
            near = exact
        found += len(set(near.rows.tolist()) & set(exact.rows.tolist()))
    assert found / (10 * len(queries)) >= 0.97


def test_the_same_rows_teach_the_same_efforts(learnt):
    index, flat, efforts, _ = learnt
    again = learn_efforts(index, flat.vectors, flat.ids, make_clusters(22, n=400)[:200])
    assert again == efforts


def test_a_plan_is_exact_where_few_rows_are_selected_and_empty_where_none(learnt):
    index, _, efforts, _ = learnt
    few = Selection(n_rows=N_ROWS, n_prefix=300)
    assert plan_search(few, k=10, index=index, efforts=efforts).kind is PlanKind.PREFIX
    scattered = select_mask(np.arange(N_ROWS) % 100 == 0)
    assert plan_search(scattered, k=10, index=index, efforts=efforts).kind is PlanKind.EXACT
    assert plan_search(select_none(N_ROWS), k=10, index=index, efforts=efforts).kind is PlanKind.EMPTY
    whole = plan_search(select_all(N_ROWS), k=10, index=index, efforts=efforts)
    assert whole.kind is PlanKind.APPROXIMATE
    assert whole.recall >= TARGET


def test_where_too_few_queries_tell_nothing_is_learnt_and_every_row_is_compared(learnt):
    index, _, efforts, queries = learnt
    assert plan_search(select_all(N_ROWS), k=10, index=index, efforts=efforts).kind is PlanKind.APPROXIMATE
    few = learn_efforts(index, make_clusters(21, n=N_ROWS), np.arange(N_ROWS), queries[:3])
    assert few == ()
    assert plan_search(select_all(N_ROWS), k=10, index=index, efforts=few).kind is PlanKind.PREFIX


def test_a_flat_segment_is_never_searched_approximately():
    assert plan_search(select_all(10**7), k=10, index=None, efforts=()).kind is PlanKind.PREFIX


@pytest.mark.parametrize(
    ("n_found", "n_true", "bound"), [(0, 0, 0.0), (10, 10, 0.7225), (990, 1000, 0.9817), (5, 10, 0.2366)]
)
def test_the_bound_is_wilsons(n_found, n_true, bound):
    assert bound_recall(n_found, n_true) == pytest.approx(bound, abs=1e-4)
