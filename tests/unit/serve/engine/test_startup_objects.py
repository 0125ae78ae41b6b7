from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import gc, time
from serve.engine.startup_objects import keep_startup_objects

kept = [[number] for number in range(1_000_000)]

def measure():
    started = time.process_time()
    gc.collect()
    return time.process_time() - started

before = min(measure() for _ in range(3))
keep_startup_objects()
after = min(measure() for _ in range(3))
later = []
later.append(later)
del later
print(before, after, gc.collect())
"""


def test_a_collection_passes_over_what_was_made_before_and_finds_what_came_after():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    before, after, n_found = map(float, done.stdout.split())
    assert after < before / 10
    assert n_found == 1
