from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from indexes.exchange.vector_checks import check_column, check_matrix, is_vector_type
from indexes.segments.vectors import check_vectors


@given(
    arrays.arrays(
        st.sampled_from([np.float16, np.float32, np.float64]), st.tuples(st.integers(1, 5), st.just(4))
    ),
    st.booleans(),
)
def test_what_has_no_fault_can_stand_in_a_segment(matrix, is_normalised):
    checked = check_matrix(matrix, is_normalised=is_normalised)
    good = [row for row in range(len(matrix)) if row not in checked.faults]
    check_vectors(checked.vectors[good], n_rows=len(good), dim=4)
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(matrix.astype(np.float64), axis=1)
    for row, length in enumerate(lengths):
        if not np.isfinite(length) or length == 0.0:
            assert row in checked.faults
        elif is_normalised:
            assert row not in checked.faults
            assert np.allclose(checked.vectors[row], matrix[row].astype(np.float64) / length, atol=1e-6)


def test_float32_vectors_of_length_1_keep_their_bits():
    matrix = np.array([[0.6, 0.8], [1, 0]], dtype=np.float32)
    assert np.array_equal(check_matrix(matrix, is_normalised=False).vectors, matrix)


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.large_list(pa.float64())])
def test_a_fault_stands_at_its_row_and_moves_no_other_vector(kind):
    values = [[0.6, 0.8], None, [1.0], [1.0, None], [0.0, 1.0], [3.0, 4.0]]
    checked = check_column(pa.array(values, kind), dim=2, is_normalised=False)
    assert sorted(checked.faults) == [1, 2, 3, 5]
    assert checked.faults[1] == "expected a vector of 2 numbers, found none"
    assert checked.faults[2] == "expected a vector of 2 numbers, found one of 1"
    assert checked.faults[5] == "expected a vector of length 1, found length 5; --normalise scales it"
    assert np.allclose(checked.vectors[[0, 4]], [[0.6, 0.8], [0, 1]])


def test_a_slice_of_a_fixed_column_with_a_null_is_read_right():
    column = pa.array([[9, 9], [0.6, 0.8], None, [0, 1]], pa.list_(pa.float32(), 2)).slice(1)
    checked = check_column(column, dim=2, is_normalised=False)
    assert sorted(checked.faults) == [1]
    assert np.allclose(checked.vectors[[0, 2]], [[0.6, 0.8], [0, 1]])


def test_only_lists_of_floats_are_vectors():
    assert is_vector_type(pa.list_(pa.float16(), 3))
    assert not is_vector_type(pa.list_(pa.int8()))
    assert not is_vector_type(pa.string())
