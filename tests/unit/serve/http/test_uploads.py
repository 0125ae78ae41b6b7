from __future__ import annotations

import asyncio

from serve.http.uploads import LandedSnapshots


class Follower:
    """Settles as it is told, and counts."""

    def __init__(self):
        self.settles, self.n_asked = False, 0

    async def settle(self, snapshot, *, timeout_s):
        self.n_asked += 1
        return self.settles


def test_a_snapshot_has_landed_once_the_follower_has_settled_and_is_not_asked_for_again():
    async def run():
        landed, watcher = LandedSnapshots(), Follower()
        assert await landed.find(watcher, [], timeout_s=1) == frozenset()
        assert watcher.n_asked == 0
        assert await landed.find(watcher, ["a"], timeout_s=1) == frozenset()
        watcher.settles = True
        assert await landed.find(watcher, ["a", "b"], timeout_s=1) == {"a", "b"}
        watcher.settles = False
        assert await landed.find(watcher, ["a", "c"], timeout_s=1) == {"a"}
        assert watcher.n_asked == 3

    asyncio.run(run())
