"""`eagleray ingest` whose job makes Ray talk, and then fails.

Run as a program, it takes the arguments of `eagleray`. What Ray says of actors that were killed comes by
chance; its warning of a large function comes always, from the same thread and by the same way.
"""

from __future__ import annotations

import time

import ray

from eagleray.cli import main
from eagleray.errors import StoreError
from eagleray.parts import Part
from ray_jobs.clusters import connected

LARGE_BYTES = 16 << 20
"""More than Ray takes for a function without a warning."""

WAIT_S = 5.0
"""What a warning may take on its way to this process."""


class TalkingJobs:
    """A job service whose every ingest makes Ray warn, and fails."""

    def __init__(self, settings):
        self.settings = settings

    def ingest(self, request, on_progress):
        """Send a large function to a local cluster, and raise an error of the store."""
        large = bytes(LARGE_BYTES)
        with connected(n_cpus=1):
            assert ray.get(ray.remote(lambda: len(large)).remote()) == LARGE_BYTES
            time.sleep(WAIT_S)
            raise StoreError(path="notes/a", detail="the disk is full")


if __name__ == "__main__":
    Part.load = lambda part, settings: TalkingJobs(settings)
    main()
