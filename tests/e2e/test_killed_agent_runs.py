from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.e2e
def test_a_run_that_is_killed_at_any_boundary_goes_on_and_repeats_no_effect(tmp_path):
    command = [sys.executable, "-m", "tests.e2e.killed_agent_runs", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=True)
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    *killed, whole = runs
    assert whole["n_kills"] == 0
    assert len(killed) == whole["n_boundaries"] > 60
    assert {run["text"] for run in runs} == {"Total sales were $ 1,496.5 million in 2019. [1]"}
    for run in killed:
        assert run["n_kills"] in (1, 2)
        assert run["n_notes"] == 1 or (run["n_notes"] == 0 and run["is_unknown"])
        assert run["n_model_calls"] <= whole["n_model_calls"] + run["n_kills"]
    assert any(run["is_unknown"] for run in killed)
    assert whole["n_notes"] == 1
