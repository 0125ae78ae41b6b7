"""The steps of a run, one a file, as plain classes that `ray_jobs.execution` hands to Ray.

Each takes one JSON payload and returns one JSON outcome, and leaves a marker in the ledger after
its outputs, so calling it again for the same shard does the work at most once.
"""
