from __future__ import annotations

import os
import time

import psutil
import pytest

from benchmarks.hostile_files import BOMBS, FILES
from benchmarks.hostile_requests import Costs, Meter, climb, make_targets
from benchmarks.hostile_texts import HTML, MARKDOWN, TEXTS
from benchmarks.process_cost import ProcessTree


def spend(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


@pytest.fixture
def meter():
    return Meter(ProcessTree(psutil.Process(os.getpid())))


def test_the_processor_time_of_a_tree_is_what_its_processes_spent(meter):
    assert 0.05 <= meter.measure(lambda: spend(0.05)) < 0.2
    assert meter.measure(lambda: None) < 0.04


@pytest.mark.parametrize(("power", "least", "most"), [(1, 1.5, 2.6), (2, 3.0, 5.0)])
def test_growth_tells_linear_work_from_quadratic(meter, power, least, most):
    costs = Costs()

    def work(n):
        spend(0.02 * (n / 1_024) ** power)
        return True

    climb("work", work, meter, costs, most=8_192)
    assert least <= costs.worst_growth <= most
    assert costs.n_inputs >= 4


def test_an_input_that_is_refused_for_its_length_ends_the_climb(meter):
    costs, sizes = Costs(), []

    def work(n):
        sizes.append(n)
        return n < 4_096

    climb("work", work, meter, costs)
    assert sizes == [1_024, 2_048, 4_096]
    assert costs.worst_growth == 0.0


@pytest.mark.parametrize("name", [*TEXTS, *MARKDOWN, *HTML])
def test_a_text_is_about_as_long_as_is_asked(name):
    text = {**TEXTS, **MARKDOWN, **HTML}[name](10_000)
    assert 2_000 < len(text) < 20_000


def test_files_are_small_whatever_they_become():
    assert all(len(make(10_000)[1]) < 40_000 for make in FILES.values())
    small = {name: make for name, make in BOMBS.items() if "300 megabytes" not in name}
    assert all(len(make()[1]) < 300_000 for make in small.values())


def test_every_target_carries_the_text():
    for name, make in make_targets("notes").items():
        path, body = make("marker")
        assert path.startswith("/")
        assert name in ("array", "nested", "keys") or "marker" in str(body)
