"""How much of unfinished shards is done: workers write counts into the cluster, the driver adds them up.

They pass through the key-value store of Ray's control service, so no actor has to be started for them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import uuid4

from ray.experimental import internal_kv

from eagleray.contracts.services import ItemProgress, OnProgress

COUNTS: Final = "eagleray-items"
"""Below which all counts lie."""

INTERVAL_S: Final = 1.0
"""Seconds between two counts of a worker, and between two looks of the driver."""


class ItemCounter:
    """Counts what a worker has done, and writes it at most once an interval."""

    def __init__(self, counts: str) -> None:
        self._key = f"{counts}/{uuid4().hex}"
        self._n = 0
        self._written = 0.0

    def __call__(self, n: int) -> None:
        """Count so many more items."""
        self._n += n
        if time.monotonic() - self._written >= INTERVAL_S:
            self.write()

    def write(self) -> None:
        """Write how many items are done by now."""
        self._written = time.monotonic()
        internal_kv._internal_kv_put(self._key, str(self._n))


@contextmanager
def count_items(stage: str, total: int, on_progress: OnProgress) -> Iterator[str]:
    """Tell a callback that wants it what unfinished shards have done, for the length of a block.

    Args:
        stage: its name.
        total: shards in all.
        on_progress: is told in another thread where it is an `ItemProgress`.

    Yields:
        Where workers write their counts; empty where nobody wants them.
    """
    if not isinstance(on_progress, ItemProgress):
        yield ""
        return
    counts, ended = f"{COUNTS}/{uuid4().hex}", threading.Event()
    on_progress.tell_items(stage, total, 0)

    def look() -> None:
        while not ended.wait(INTERVAL_S):
            on_progress.tell_items(stage, total, add_up(counts))

    thread = threading.Thread(target=look, name="item-counts", daemon=True)
    thread.start()
    try:
        yield counts
    finally:
        ended.set()
        thread.join()
        internal_kv._internal_kv_del(counts, del_by_prefix=True)


def add_up(counts: str = COUNTS) -> int:
    """Return the sum of what workers have written below a name; of all stages at work if none is given."""
    keys = internal_kv._internal_kv_list(counts)
    found = (internal_kv._internal_kv_get(key) for key in keys)
    return sum(int(value) for value in found if value is not None)
