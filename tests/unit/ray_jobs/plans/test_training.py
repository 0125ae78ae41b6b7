from __future__ import annotations

import numpy as np
import pytest

from eagleray.contracts.indexes import IndexKind
from ray_jobs.plans.segments import EmbeddedShard, SegmentPlan
from ray_jobs.plans.training import ROWS_PER_LIST, IndexRules, is_sampled, plan_training
from ray_jobs.stages.embed import CHUNKS_PER_PROBE, MIN_PROBES, draw_probes

RULES = IndexRules(kind=IndexKind.IVF_PQ, min_rows=1_000, n_lists=0, balance=0.5, max_drift=1.25)


def segment(zone, *sizes, first=0):
    parts = tuple(
        EmbeddedShard(
            shard=first + place,
            chunks="c",
            vectors="v",
            rows_by_zone={zone: n, "other": 3},
            bytes_by_zone={zone: n},
        )
        for place, n in enumerate(sizes)
    )
    return SegmentPlan(zone=zone, parts=parts)


def test_a_zone_is_trained_where_one_of_its_segments_is_large_enough():
    plans = plan_training([segment("london", 400, 500), segment("tokyo", 600, 700)], RULES)
    assert [(plan.zone, len(plan.shards)) for plan in plans] == [("tokyo", 2)]


def test_a_flat_index_trains_nothing():
    rules = IndexRules(kind=IndexKind.FLAT, min_rows=1, n_lists=0, balance=0.0, max_drift=1.25)
    assert plan_training([segment("tokyo", 10**6)], rules) == ()


@pytest.mark.parametrize(("n_rows", "n_lists"), [(1_000, 32), (70_000, 256), (10**6, 1024), (10**7, 4096)])
def test_lists_are_about_the_root_of_the_largest_segments_rows(n_rows, n_lists):
    (plan,) = plan_training([segment("tokyo", n_rows), segment("tokyo", 10, first=1)], RULES)
    assert plan.n_lists == n_lists


def test_the_sample_has_the_rows_that_the_lists_need():
    (plan,) = plan_training([segment("tokyo", 10**6)], RULES)
    ids = np.random.default_rng(1).integers(0, 1 << 62, size=200_000)
    share = sum(is_sampled(int(chunk_id), rate=plan.rate) for chunk_id in ids) / len(ids)
    assert share * 10**6 == pytest.approx(plan.n_lists * ROWS_PER_LIST, rel=0.03)


def test_probes_are_sentences_and_do_not_depend_on_the_order_of_chunks():
    rng = np.random.default_rng(2)
    n = 80 * CHUNKS_PER_PROBE
    ids = rng.integers(0, 1 << 62, size=n).tolist()
    zones = ["tokyo" if number % 50 else "london" for number in range(n)]
    texts = [
        f"The coupon of bond {number} is fixed. It pays {number} per cent a year." for number in range(n)
    ]
    probes = draw_probes(ids, zones, texts)
    order = rng.permutation(n)
    shuffled = draw_probes(*([column[place] for place in order] for column in (ids, zones, texts)))
    assert probes == shuffled
    assert [sum(probe.zone == zone for probe in probes) for zone in ("london", "tokyo")] == [MIN_PROBES, 78]
    assert all(probe.text.endswith(("fixed.", "year.")) for probe in probes)
    assert {probe.text.split()[0] for probe in probes} == {"The", "It"}


def test_a_text_without_a_sentence_is_its_own_probe():
    assert [probe.text for probe in draw_probes([4], ["tokyo"], ["GDP 3%"])] == ["GDP 3%"]
