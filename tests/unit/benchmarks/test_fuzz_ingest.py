from __future__ import annotations

from benchmarks.fuzz_ingest import SAMPLE, FuzzedIngest, differs, fuzz


def test_every_mutated_file_ends_as_documents_or_dead_letters():
    counts = fuzz(60, seed=7, corpus=SAMPLE)
    assert counts["files"] == 60
    assert counts["documents"] > 10
    assert counts["dead_letters"] > 10
    assert {counts[name] for name in ("neither", "ended_runs", "hangs", "over_memory")} == {0}


def test_a_whole_run_that_loses_a_document_or_a_letter_is_told():
    found = FuzzedIngest(n_documents=3, n_dead_letters=2, neither=(), longest_s=1.0)
    report = {"documents_read": 3, "dead_letters": 4, "conflicts": 2}
    assert not differs(report, found)
    assert differs({**report, "documents_read": 2}, found)
    assert differs({**report, "dead_letters": 3}, found)
