from __future__ import annotations

import numpy as np
import pytest

from benchmarks.growth import fit_slope, fit_slopes, measure_parts
from benchmarks.growth_collection import (
    SEGMENT_ROWS,
    Built,
    Material,
    count_lists,
    cut_segments,
    join_halves,
    make_rows,
)


def test_segments_are_full_but_the_last():
    assert cut_segments(SEGMENT_ROWS) == [(0, SEGMENT_ROWS)]
    assert cut_segments(2 * SEGMENT_ROWS + 1) == [(0, SEGMENT_ROWS), (1, SEGMENT_ROWS), (2, 1)]


@pytest.mark.parametrize(("n_rows", "n_lists"), [(100_000, 256), (250_000, 512), (10_000_000, 512)])
def test_lists_follow_the_largest_segment_not_the_collection(n_rows, n_lists):
    assert count_lists(n_rows) == n_lists


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_the_slope_is_the_power_that_the_values_were_made_with(power):
    rows = [1_000, 30_000, 1_000_000]
    assert fit_slope(rows, [3.0 * n**power for n in rows]) == pytest.approx(power, abs=1e-12)


def test_each_time_has_a_slope_and_one_size_has_none():
    results = [
        {
            "rows": n,
            "build_s": float(n),
            "build_cpu_s": float(n),
            "open_s": 2.0,
            "searches": {"dense": {"p50_ms": n**0.5, "cpu_p50_ms": 1.0, "score_p50_ms": n / 2.0}},
        }
        for n in (100, 10_000)
    ]
    assert fit_slopes(results[:1]) == {}
    assert fit_slopes(results) == {
        "build_s": 1.0,
        "build_cpu_s": 1.0,
        "open_s": 0.0,
        "dense p50_ms": 0.5,
        "dense cpu_p50_ms": 0.0,
        "dense score_p50_ms": 1.0,
    }


def test_bytes_a_row_are_of_all_segments_together():
    def make(n_rows, sizes):
        return Built(digest="", n_rows=n_rows, seconds=1.0, cpu_seconds=1.0, sizes=sizes)

    segments = [make(10, {"vectors": 100, "rows": 50}), make(30, {"vectors": 300, "rows": 30})]
    assert measure_parts(segments) == {"rows": 2.0, "vectors": 10.0, "all": 12.0}


def test_rows_are_made_of_passages_and_the_same_number_makes_the_same(rng):
    vectors = rng.standard_normal((5, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = ["one two", "three four", "five six", "seven eight", "nine ten"]
    material = Material(texts=texts, vectors=vectors, probes=vectors)
    chunks, made = make_rows(material, 40, segment=3)
    again, remade = make_rows(material, 40, segment=3)
    assert chunks.equals(again)
    assert made.tobytes() == remade.tobytes()
    assert not chunks.equals(make_rows(material, 40, segment=4)[0])
    assert set(chunks["text"].to_pylist()) <= {join_halves(a, b) for a in texts for b in texts}
    assert np.linalg.norm(made, axis=1) == pytest.approx(1.0, abs=1e-6)
    times = chunks["known_from"].to_numpy()
    assert (np.diff(times) >= 0).all()
