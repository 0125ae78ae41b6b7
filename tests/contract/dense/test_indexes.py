"""Every kind of dense index of this project, and what they share beyond the contract."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eagleray.errors import QueryError
from eagleray.testing.dense_indexes import (
    DIM,
    N_ROWS,
    DenseIndexContract,
    make_clusters,
    make_ids,
    make_vectors,
)
from indexes.dense.contracts import Effort
from indexes.dense.flat import FlatIndex
from indexes.dense.queries import DenseQuery
from indexes.selections import Selection, select_all, select_mask
from tests.contract.dense.conftest import N_LISTS, build

WHOLE = Effort(n_probes=N_LISTS, n_candidates=N_ROWS)


def choose_effort(share):
    if share >= 1.0:
        return WHOLE
    return Effort(n_probes=max(1, round(N_LISTS * share)), n_candidates=max(1, round(300 * share)))


def choose_selection(mask):
    """Return a mask as searches give it: a prefix of the rows has no bits."""
    n_prefix = int(mask.argmin()) if not mask.all() else len(mask)
    is_prefix = n_prefix > 0 and not mask[n_prefix:].any()
    return Selection(n_rows=len(mask), n_prefix=n_prefix) if is_prefix else select_mask(mask)


class TestIndexes(DenseIndexContract):
    """The fixture `index` gives each kind."""

    def search(self, index, query, *, k, mask, effort):
        found = index.search(
            DenseQuery(query, dim=DIM), k=k, selection=choose_selection(mask), effort=choose_effort(effort)
        )
        return found.rows, found.similarities


def test_similarities_have_the_bits_of_the_flat_index(index):
    flat = FlatIndex(make_vectors(), make_ids())
    for query in make_clusters(6, n=50)[:10]:
        asked = DenseQuery(query, dim=DIM)
        expected = flat.search(asked, k=30, selection=select_all(N_ROWS), effort=WHOLE)
        found = index.search(asked, k=30, selection=select_all(N_ROWS), effort=WHOLE)
        assert found.rows.tobytes() == expected.rows.tobytes()
        assert found.similarities.tobytes() == expected.similarities.tobytes()


def test_a_prefix_answers_like_an_index_of_the_prefix_alone(index, tmp_path):
    if not hasattr(index, "codebook"):
        pytest.skip("a flat index is exact: the contract covers it")
    n = 1_700
    early = build(index.codebook, make_vectors()[:n], make_ids()[:n], tmp_path)
    effort = Effort(n_probes=6, n_candidates=100)
    same = 0
    queries = make_clusters(7, n=60)
    for query in queries:
        asked = DenseQuery(query, dim=DIM)
        then = early.search(asked, k=10, selection=select_all(n), effort=effort)
        now = index.search(asked, k=10, selection=Selection(n_rows=N_ROWS, n_prefix=n), effort=effort)
        same += len(set(then.rows.tolist()) & set(now.rows.tolist()))
    assert same / (10 * len(queries)) >= 0.995


def test_a_selection_of_another_segment_is_refused(index):
    with pytest.raises(QueryError, match="does not fit a segment"):
        index.search(DenseQuery(make_vectors()[0], dim=DIM), k=3, selection=select_all(10), effort=WHOLE)


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
