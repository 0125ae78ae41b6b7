"""What is made of one snapshot for each state whose entitlements rule it; the last are kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from eagleray.contracts.asked_snapshots import AskedSnapshot

Made = TypeVar("Made")

_KEPT: Final = 2
"""States kept: the alias's newest one, and the one before, for who asks while it moves."""


class Ruled(Generic[Made]):
    """Makes what answers by a state's entitlements, once a state; safe to share between threads."""

    def __init__(self, snapshot: str, make: Callable[[AskedSnapshot], Made] | None) -> None:
        """Take what makes it.

        Args:
            snapshot: id of the snapshot.
            make: called for a state other than the snapshot itself; `None` where there is none.
        """
        self._snapshot, self._make = snapshot, make
        self._made: OrderedDict[AskedSnapshot, Made] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, own: Made, asked: AskedSnapshot) -> Made:
        """Return what answers as asked.

        Args:
            own: what answers by the snapshot's own entitlements.
            asked: the snapshot, and the one that rules it.

        Raises:
            ValueError: another snapshot is asked, or this one answers by its own entitlements alone.
        """
        if asked.entitled_by == asked.snapshot:
            return own
        if self._make is None or asked.snapshot != self._snapshot:
            raise ValueError(f"snapshot {self._snapshot[:12]} was not opened to be asked as {asked}")
        with self._lock:
            if asked not in self._made:
                self._made[asked] = self._make(asked)
            self._made.move_to_end(asked)
            while len(self._made) > _KEPT:
                self._made.popitem(last=False)
            return self._made[asked]
