"""Benchmarks: one file a question, run alone; the last line of each is one JSON object."""
