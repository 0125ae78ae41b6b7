"""Calls a replica: errors arrive as themselves, a dead replica costs a second try, time is bounded.

What Ray Serve knows of the request that calls is in its context, and with the request it cancels the calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Final, TypeVar

from ray.exceptions import RayActorError
from ray.serve.exceptions import BackPressureError, RayServeException

from eagleray.errors import DeadlineError, EagleRayError, OverloadedError, UnavailableError
from eagleray.logs import get_logger
from serve.tracing.spans import Carrier, carry, continued

Found = TypeVar("Found")

_RETRY_S: Final = 1.0
"""Seconds after which a caller may try again: about what Ray takes to notice and to start a replica."""

_log = get_logger()


async def returned(work: Awaitable[Found], carrier: Carrier) -> Found | EagleRayError:
    """Return what a replica found, or its error as a value: Ray would wrap it and log what it quotes.

    Args:
        work: done within the trace of who asked.
        carrier: names that trace.
    """
    with continued(carrier):
        try:
            return await work
        except EagleRayError as error:
            return error


async def call(
    ask: Callable[[Carrier], Awaitable[Found | EagleRayError]],
    *,
    part: str,
    timeout_s: float,
    is_repeatable: bool = True,
) -> Found:
    """Return what a replica answers; one that dies meanwhile is replaced by another once.

    Args:
        ask: sends the question and what names the trace.
        part: name of what is asked, for the error.
        timeout_s: seconds that all of it may take.
        is_repeatable: whether it may be sent twice.

    Raises:
        OverloadedError: too many requests wait already.
        DeadlineError: its time was up.
        UnavailableError: no replica answers now.
        EagleRayError: what the replica raised.
    """
    try:
        async with asyncio.timeout(timeout_s):
            found = await (_ask_twice(ask, part) if is_repeatable else ask(carry()))
    except TimeoutError as error:
        raise DeadlineError(timeout_s=timeout_s) from error
    except BackPressureError as error:
        raise OverloadedError(waiting=error.args[0], retry_after_s=_RETRY_S) from error
    except (RayActorError, RayServeException) as error:
        raise UnavailableError(part=part, retry_after_s=_RETRY_S) from error
    if isinstance(found, EagleRayError):
        raise found
    return found


async def detached(work: Callable[[], Awaitable[Found]]) -> Found:
    """Return what comes of calls that the end of the request they are made for must not cancel.

    Args:
        work: makes the calls, within the trace of now and in a context without anything else.
    """
    carrier = carry()

    async def run() -> Found:
        with continued(carrier):
            return await work()

    return await asyncio.create_task(run(), context=Context())


async def _ask_twice(ask: Callable[[Carrier], Awaitable[Found]], part: str) -> Found:
    carrier = carry()
    try:
        return await ask(carrier)
    except BackPressureError:
        raise
    except (RayActorError, RayServeException) as error:
        _log.warning("replica_lost", part=part, error=type(error).__name__)
        return await ask(carrier)
