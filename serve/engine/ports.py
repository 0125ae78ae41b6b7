"""What routes ask, wherever it is: in this process, or in others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from eagleray.contracts.asked_snapshots import AskedSnapshot
from serve.engine.alias_watcher import AliasState
from serve.engine.encoding import Encoded, EncoderLimits
from serve.engine.ranker import RankedPassages
from serve.engine.snapshot_pool import Engine

Answer = TypeVar("Answer")


class AnswererPort(Protocol):
    """Asks the followed snapshot, or the one a request names; see `Answerer`."""

    @property
    def n_waiting(self) -> int:
        """Requests that wait for a thread."""
        ...

    @property
    def n_at_work(self) -> int:
        """Requests that are being answered."""
        ...

    async def answer(
        self,
        ask: Callable[[Engine], Answer],
        *,
        snapshot: AskedSnapshot | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        """Return what `ask` makes of a snapshot's engine; it may be sent to another process."""
        ...


class EncoderPort(Protocol):
    """Embeds texts; see `Encoder`."""

    @property
    def limits(self) -> EncoderLimits:
        """How much it takes on."""
        ...

    async def encode(self, texts: Sequence[str], *, timeout_s: float | None = None) -> Encoded:
        """Return the vectors of one or more texts, in the order given."""
        ...


class RankerPort(Protocol):
    """Scores documents against a question; see `Ranker`."""

    async def rank(self, query: str, passages: Sequence[str], *, may_cut: bool) -> RankedPassages:
        """Return the scores of one or more passages, in the order given."""
        ...


class AliasWatcherPort(Protocol):
    """Knows where the answers stand with their alias; see `AliasWatcher`."""

    @property
    def state(self) -> AliasState:
        """Where they stand."""
        ...

    @property
    def lookup_age_s(self) -> float:
        """Seconds since the alias was last read."""
        ...

    @property
    def n_taken(self) -> int:
        """Snapshots that were taken up after the first."""
        ...

    async def take(self, snapshot: str, *, timeout_s: float) -> bool:
        """Return whether new requests get in time this snapshot, to which the alias has moved."""
        ...

    async def settle(self, snapshot: str, *, timeout_s: float) -> bool:
        """Return whether all new requests get in time this snapshot, or one that the alias had later."""
        ...
