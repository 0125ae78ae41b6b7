"""How many bytes the bodies of all callers may have together, and how many those of one.

Source: A. Choudhury and E. Hahne, Dynamic Queue Length Thresholds in a Shared-Memory Packet Switch, IEEE/ACM
Transactions on Networking 6 (1998), with alpha = 1: each may hold as much as is free. One alone gets a half,
two a third each, and the next one always finds some.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from eagleray.errors import BodyRoomError

_RETRY_S: Final = 1.0


class BodyRoom:
    """Counts the bytes of bodies that are held; used from one thread.

    Args:
        max_bytes: of all together.
        is_first_free: whether the first body of a caller who holds none finds room always.
    """

    def __init__(self, max_bytes: int, *, is_first_free: bool = False) -> None:
        self._max_bytes, self._is_first_free = max_bytes, is_first_free
        self._held: Counter[str] = Counter()
        self.n_bytes = 0
        """Bytes that are held."""

    @contextmanager
    def enter(self, holder: str) -> Iterator[HeldBody]:
        """Hold the bytes of one body until the block ends."""
        body = HeldBody(self, holder)
        try:
            yield body
        finally:
            self._give(holder, -body.n_bytes)

    def take(self, holder: str, n_bytes: int) -> None:
        """Hold more bytes.

        Raises:
            BodyRoomError: there is no room for them now.
        """
        held = self._held[holder]
        is_free = self._is_first_free and not held
        if held + n_bytes > self._max_bytes - self.n_bytes and not is_free:
            raise BodyRoomError(max_bytes=self._max_bytes, retry_after_s=_RETRY_S)
        self._give(holder, n_bytes)

    def _give(self, holder: str, n_bytes: int) -> None:
        self.n_bytes += n_bytes
        self._held[holder] += n_bytes
        if not self._held[holder]:
            del self._held[holder]


class HeldBody:
    """The bytes of one body that are held."""

    def __init__(self, room: BodyRoom, holder: str) -> None:
        """Take the room, and who sends the body."""
        self._room, self._holder = room, holder
        self.n_bytes = 0

    def take(self, n_bytes: int) -> None:
        """Hold more; see `BodyRoom.take`."""
        self._room.take(self._holder, n_bytes)
        self.n_bytes += n_bytes
