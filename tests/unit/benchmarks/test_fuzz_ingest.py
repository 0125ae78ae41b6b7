from __future__ import annotations

from benchmarks.fuzz_ingest import SAMPLE, fuzz


def test_every_mutated_file_ends_as_documents_or_dead_letters():
    counts = fuzz(40, seed=7, corpus=SAMPLE)
    assert counts["files"] == 40
    assert counts["documents"] > 10
    assert counts["dead_letters"] > 10
    assert {counts[name] for name in ("neither", "ended_runs", "hangs", "over_memory")} == {0}
