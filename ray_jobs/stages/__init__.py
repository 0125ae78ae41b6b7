"""The stages of a run, one a file: plain classes that do the work of one shard, and the specs that name them.

A task takes one small payload and returns one small outcome, both frozen dataclasses. `ray_jobs.execution`
hands tasks to Ray and records an outcome after its outputs, so what is finished is not done again.
"""
