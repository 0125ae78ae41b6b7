"""One call of a server as a conversation: what to send and how long to wait, without doing either.

The clients carry it out: one by blocking, the other by awaiting. So both decide alike.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Final, Generic, TypeAlias, TypeVar

from eagleray.client.problems import read_problem
from eagleray.client.retrying import RetryBudget, RetryPolicy, draw_number
from eagleray.errors import (
    DeadlineError,
    EagleRayError,
    InvalidTimeError,
    QueryError,
    ServerError,
    UnreachableError,
)

_MAY_RETRY: Final = frozenset({429, 503})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Send this.

    Attributes:
        method: of HTTP.
        path: below the collection's, with the query.
        body: JSON; empty for none.
        timeout_s: seconds that are left for the answer.
        headers: beside those of every call.
    """

    method: str
    path: str
    body: bytes
    timeout_s: float
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Wait so many seconds."""

    pause_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back. Attributes: HTTP's status, headers by lower-case names, the body."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class FailureKind(StrEnum):
    """How far a request came that nothing came back for."""

    TIMED_OUT = "timed out"
    UNANSWERED = "unanswered"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Nothing came back.

    Attributes:
        kind: only what broke before an answer began is tried again.
        detail: why, in the transport's words.
    """

    kind: FailureKind
    detail: str


Answer = TypeVar("Answer")

Conversation: TypeAlias = Generator[Call | Pause, Reply | Failure | None, Answer]
"""Gives what to do next; is sent a `Reply` or `Failure` for a `Call`, nothing for a `Pause`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[Answer]):
    """What is asked, and how its answer is read.

    Attributes:
        write: seconds that are left in, what is sent out; raises `QueryError` where that cannot be.
        read: JSON's value in, the answer out; raises what reading another value raises.
    """

    write: Callable[[float], Call]
    read: Callable[[Any], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying:
    """What decides about further attempts.

    Attributes:
        policy: how often and how late one call tries again.
        budget: of all calls of one client.
        clock: seconds, never backwards.
        draw: numbers in [0, 1).
    """

    policy: RetryPolicy = field(default_factory=RetryPolicy)
    budget: RetryBudget = field(default_factory=RetryBudget)
    clock: Callable[[], float] = time.monotonic
    draw: Callable[[], float] = draw_number


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    error: EagleRayError
    may_retry: bool
    retry_after_s: float = 0.0


def converse(
    operation: Operation[Answer], *, url: str, timeout_s: float, retrying: Retrying
) -> Conversation[Answer]:
    """Ask until it is answered, refused, or out of time or attempts.

    Args:
        operation: what is asked.
        url: that is asked, for errors.
        timeout_s: seconds for all attempts and pauses together.
        retrying: what decides about further attempts.

    Raises:
        QueryError: it cannot be sent, or `timeout_s` is no time.
        EagleRayError: what the server said, or why it said nothing.
    """
    if not (timeout_s > 0.0 and math.isfinite(timeout_s)):
        raise QueryError(detail=f"timeout_s must be a finite number above 0, found {timeout_s}")
    deadline, left_s, n_attempts = retrying.clock() + timeout_s, timeout_s, 0
    while True:
        n_attempts += 1
        came = yield operation.write(left_s)
        judged = _judge(came, operation.read, url=url, timeout_s=timeout_s)
        if not isinstance(judged, _Refusal):
            retrying.budget.give_back()
            return judged
        if not judged.may_retry or n_attempts >= retrying.policy.max_attempts:
            raise judged.error
        pause_s = retrying.policy.choose_pause(
            n_attempts, retry_after_s=judged.retry_after_s, draw=retrying.draw
        )
        if retrying.clock() + pause_s >= deadline or not retrying.budget.take():
            raise judged.error
        yield Pause(pause_s=pause_s)
        left_s = deadline - retrying.clock()
        if left_s <= 0.0:
            raise judged.error


def _judge(
    came: Reply | Failure | None, read: Callable[[Any], Answer], *, url: str, timeout_s: float
) -> Answer | _Refusal:
    if came is None:
        raise TypeError("a conversation is sent a Reply or a Failure for each Call")
    if isinstance(came, Failure):
        if came.kind is FailureKind.TIMED_OUT:
            return _Refusal(error=DeadlineError(timeout_s=timeout_s), may_retry=False)
        error = UnreachableError(url=url, detail=came.detail)
        return _Refusal(error=error, may_retry=came.kind is FailureKind.UNANSWERED)
    if came.status == 200:
        return _read(came.content, read, url=url)
    after_s = read_retry_after(came.headers)
    return _Refusal(
        error=read_problem(came.status, came.content, url=url),
        may_retry=came.status in _MAY_RETRY and after_s is not None,
        retry_after_s=after_s or 0.0,
    )


def _read(content: bytes, read: Callable[[Any], Answer], *, url: str) -> Answer | _Refusal:
    try:
        return read(json.loads(content))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, InvalidTimeError):
        detail = "the answer cannot be read; is another version, or something else, served there?"
        return _Refusal(error=ServerError(url=url, detail=detail), may_retry=False)


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait: 0 where it names none, `None` where it cannot be read.

    A date is taken against the answer's own `Date`, so clocks need not agree.

    Source: RFC 9110, section 10.2.3.

    Args:
        headers: by lower-case names.
    """
    text = headers.get("retry-after", "0").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        wanted, now = parsedate_to_datetime(text), parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (wanted - now).total_seconds())
    except (TypeError, ValueError):
        return None
