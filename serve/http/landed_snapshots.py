"""Snapshots that searches here are answered from: a file is `completed` only where its own is one of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from typing import Final

from serve.engine.ports import AliasWatcherPort

_MAX_KNOWN: Final = 65_536
_ANY_LATER: Final = ""
"""No snapshot's id: what settles on it has looked at the alias since it was asked."""


class LandedSnapshots:
    """Snapshots that searches were once answered from, or from a later one; runs in one event loop."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, None] = OrderedDict()

    async def find(
        self, watcher: AliasWatcherPort, snapshots: Collection[str], *, timeout_s: float
    ) -> frozenset[str]:
        """Return those of some published snapshots that searches are answered from, or from a later one.

        Args:
            watcher: knows what answers.
            snapshots: ids; each was published.
            timeout_s: seconds to wait for those that do not answer yet.
        """
        unknown = [snapshot for snapshot in snapshots if snapshot not in self._known]
        if unknown and await watcher.settle(_ANY_LATER, timeout_s=timeout_s):
            self._known.update(dict.fromkeys(unknown))
            while len(self._known) > _MAX_KNOWN:
                self._known.popitem(last=False)
        return frozenset(snapshot for snapshot in snapshots if snapshot in self._known)
