"""The ledger of a run: every call is written down before it is made, and what came of it after.

A graph that is continued takes its last step again, whatever was done in it. What the ledger has the result
of is not done twice; of a call that changes something and has no result, nobody knows whether it was done, so
it is not done again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

Result = dict[str, Any]
"""Of a call; plain JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRecord:
    """What the ledger has of a call. Attributes: times that it was begun, and its result, if there is one."""

    n_begun: int
    result: Result | None = None


class EffectLedger(Protocol):
    """Of one run."""

    async def begin(self, effect_id: str) -> EffectRecord:
        """Write down that a call is about to be made, unless it has a result; return what is known then."""
        ...

    async def finish(self, effect_id: str, result: Result) -> None:
        """Write down what came of it."""
        ...

    async def is_begun(self, effect_id: str) -> bool:
        """Return whether a call was ever about to be made."""
        ...


class UnkeptLedger:
    """Of a run that nothing is kept of: it cannot be continued, so it never repeats a step."""

    async def begin(self, effect_id: str) -> EffectRecord:  # noqa: ARG002 - of the protocol
        """Return that of a call that was not made yet."""
        return EffectRecord(n_begun=1)

    async def finish(self, effect_id: str, result: Result) -> None:
        """Keep nothing."""

    async def is_begun(self, effect_id: str) -> bool:  # noqa: ARG002 - of the protocol
        """Return that nothing was."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """A call that was made.

    Attributes:
        result: of it; `None` where it is not known whether it was made.
        n_begun: times that it was begun, each of which is a step.
        is_known: whether the result was there before.
    """

    result: Result | None
    n_begun: int
    is_known: bool


async def perform(
    ledger: EffectLedger, effect_id: str, work: Callable[[], Awaitable[Result]], *, is_repeatable: bool
) -> Performed:
    """Return the result of a call, made now or before.

    Args:
        ledger: of the run.
        effect_id: the same whenever the step is taken again, and that of no other call of the run.
        work: makes the call.
        is_repeatable: whether it may be made again where it is not known what came of it.
    """
    record = await ledger.begin(effect_id)
    if record.result is not None:
        return Performed(result=record.result, n_begun=record.n_begun, is_known=True)
    if record.n_begun > 1 and not is_repeatable:
        return Performed(result=None, n_begun=record.n_begun, is_known=True)
    result = await work()
    await ledger.finish(effect_id, result)
    return Performed(result=result, n_begun=record.n_begun, is_known=False)
