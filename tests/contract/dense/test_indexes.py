"""One suite for every kind of dense index, against brute force in double precision."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eagleray.errors import QueryError
from indexes.dense.contracts import Effort
from indexes.dense.queries import DenseQuery
from indexes.selections import Selection, select_all, select_mask
from tests.contract.dense.conftest import DIM, N_LISTS, N_ROWS, build, make_clusters

WHOLE = Effort(n_probes=N_LISTS, n_candidates=N_ROWS)


def select(kind: str, rng: np.random.Generator, vectors: np.ndarray) -> Selection:
    n_prefix = int(rng.integers(1, N_ROWS))
    match kind:
        case "all":
            return select_all(N_ROWS)
        case "prefix":
            return Selection(n_rows=N_ROWS, n_prefix=n_prefix)
        case "random":
            return select_mask(rng.random(N_ROWS) < rng.choice([0.5, 0.1, 0.01]))
        case "clustered":
            return select_mask(vectors @ vectors[int(rng.integers(N_ROWS))] > 0.3)
        case "late":
            mask = np.zeros(N_ROWS, dtype=np.bool_)
            mask[n_prefix:] = rng.random(N_ROWS - n_prefix) < 0.7
            return select_mask(mask)
        case "one":
            mask = np.zeros(N_ROWS, dtype=np.bool_)
            mask[n_prefix] = True
            return select_mask(mask)
    raise AssertionError(kind)


def find_truth(vectors, ids, query, selection):
    """Return the selected rows, best first, and their similarities in double precision."""
    rows = (
        np.arange(N_ROWS)[np.unpackbits(selection.bits, bitorder="little", count=N_ROWS) > 0]
        if selection.bits is not None
        else np.arange(selection.n_prefix)
    )
    similarities = vectors[rows].astype(np.float64) @ query.astype(np.float64)
    order = np.lexsort((ids[rows], -similarities))
    return rows[order], similarities[order]


SELECTIONS = ("all", "prefix", "random", "clustered", "late", "one")


@pytest.mark.parametrize("kind", SELECTIONS)
@pytest.mark.parametrize("k", [1, 10, 200])
def test_a_search_of_every_list_finds_the_true_neighbours(index, vectors, ids, kind, k, rng):
    for query in make_clusters(3, n=50)[:12]:
        selection = select(kind, rng, vectors)
        found = index.search(DenseQuery(query, dim=DIM), k=k, selection=selection, effort=WHOLE)
        _, similarities = find_truth(vectors, ids, query, selection)
        assert len(found.rows) == min(k, selection.n_selected)
        np.testing.assert_allclose(found.similarities, similarities[: len(found.rows)], atol=1e-6)
        exact = vectors[found.rows].astype(np.float64) @ query.astype(np.float64)
        np.testing.assert_allclose(exact, found.similarities, atol=1e-6)
        assert len(set(found.rows.tolist())) == len(found.rows)


def test_ties_go_to_the_lower_chunk_id(index, vectors, ids):
    twins = np.flatnonzero((vectors == vectors[1]).all(axis=1))
    assert len(twins) > 10
    found = index.search(DenseQuery(vectors[1], dim=DIM), k=5, selection=select_all(N_ROWS), effort=WHOLE)
    assert ids[found.rows].tolist() == sorted(ids[twins].tolist())[:5]
    assert len(set(found.similarities.tolist())) == 1


@pytest.mark.parametrize("kind", SELECTIONS)
def test_no_effort_lets_a_row_out_of_its_selection(index, vectors, kind, rng):
    for query in make_clusters(4, n=60)[:25]:
        selection = select(kind, rng, vectors)
        effort = Effort(n_probes=int(rng.integers(1, N_LISTS)), n_candidates=int(rng.integers(1, 300)))
        found = index.search(DenseQuery(query, dim=DIM), k=20, selection=selection, effort=effort)
        assert selection.has(found.rows).all()


def test_a_modest_effort_finds_nearly_all(index, vectors, ids):
    hits = 0
    queries = make_clusters(5, n=100)
    for query in queries:
        effort = Effort(n_probes=N_LISTS // 2, n_candidates=150)
        found = index.search(DenseQuery(query, dim=DIM), k=10, selection=select_all(N_ROWS), effort=effort)
        rows, _ = find_truth(vectors, ids, query, select_all(N_ROWS))
        hits += len(set(found.rows.tolist()) & set(rows[:10].tolist()))
    assert hits / (10 * len(queries)) >= 0.9


def test_similarities_have_the_bits_of_the_flat_index(index, vectors, ids):
    from indexes.dense.flat import FlatIndex

    flat = FlatIndex(vectors, ids)
    for query in make_clusters(6, n=50)[:10]:
        asked = DenseQuery(query, dim=DIM)
        expected = flat.search(asked, k=30, selection=select_all(N_ROWS), effort=WHOLE)
        found = index.search(asked, k=30, selection=select_all(N_ROWS), effort=WHOLE)
        assert found.rows.tobytes() == expected.rows.tobytes()
        assert found.similarities.tobytes() == expected.similarities.tobytes()


def test_a_prefix_answers_like_an_index_of_the_prefix_alone(index, vectors, ids, tmp_path):
    if not hasattr(index, "codebook"):
        pytest.skip("a flat index is exact: the first test covers it")
    n = 1_700
    early = build(index.codebook, vectors[:n], ids[:n], tmp_path)
    effort = Effort(n_probes=6, n_candidates=100)
    same = 0
    queries = make_clusters(7, n=60)
    for query in queries:
        asked = DenseQuery(query, dim=DIM)
        then = early.search(asked, k=10, selection=select_all(n), effort=effort)
        now = index.search(asked, k=10, selection=Selection(n_rows=N_ROWS, n_prefix=n), effort=effort)
        same += len(set(then.rows.tolist()) & set(now.rows.tolist()))
    assert same / (10 * len(queries)) >= 0.995


@pytest.mark.parametrize("k", [0, -1])
def test_k_below_one_is_refused(index, k):
    with pytest.raises(QueryError, match="k must be at least 1"):
        index.search(
            DenseQuery(np.ones(DIM, np.float32), dim=DIM), k=k, selection=select_all(N_ROWS), effort=WHOLE
        )


def test_k_above_the_rows_returns_them_all(index, vectors):
    found = index.search(
        DenseQuery(vectors[0], dim=DIM), k=N_ROWS + 5, selection=select_all(N_ROWS), effort=WHOLE
    )
    assert sorted(found.rows.tolist()) == list(range(N_ROWS))


def test_a_selection_of_nothing_finds_nothing(index, vectors):
    nothing = select_mask(np.zeros(N_ROWS, dtype=np.bool_))
    found = index.search(DenseQuery(vectors[0], dim=DIM), k=3, selection=nothing, effort=WHOLE)
    assert len(found.rows) == len(found.similarities) == 0


def test_a_selection_of_another_segment_is_refused(index, vectors):
    with pytest.raises(QueryError, match="does not fit a segment"):
        index.search(DenseQuery(vectors[0], dim=DIM), k=3, selection=select_all(10), effort=WHOLE)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_selection_lists_and_holds_the_rows_of_its_mask(data):
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=1, max_size=300)))
    selection = select_mask(mask)
    listed = [row for rows in selection.iterate_rows(data.draw(st.integers(8, 64))) for row in rows.tolist()]
    assert listed == np.flatnonzero(mask).tolist()
    assert selection.n_selected == mask.sum()
    assert selection.has(np.arange(len(mask))).tolist() == mask.tolist()
    assert not selection.has(np.array([-1, len(mask)])).any()
