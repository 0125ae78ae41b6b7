"""Tells other servers that aliases have moved, and hears it from them; all of them look anyway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from redis.asyncio import Redis

from eagleray.logs import get_logger
from serve.engine.shared.guarding import Guard

_LISTEN_S: Final = 5.0
"""Seconds without a word after which the connection is tried, and other channels are listened to."""

_LEAST_S: Final = 0.05
"""Seconds between two looks that notices lead to, however many come."""

_log = get_logger()


class Notices:
    """Listens to a channel for each alias, over one connection; runs in one event loop."""

    def __init__(self, client: Redis, guard: Guard, *, pause_s: float) -> None:
        """Take the parts.

        Args:
            client: of Redis; listening holds a connection of its own.
            guard: of what is told.
            pause_s: seconds until it is tried again after a failure.
        """
        self._client, self._guard, self._pause_s = client, guard, pause_s
        self._on_notice: dict[bytes, Callable[[], None]] = {}
        self._n_heard, self._heard_on = 0, set[bytes]()
        self._added = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    @property
    def n_heard(self) -> int:
        """Notices that came."""
        return self._n_heard

    @property
    def is_listening(self) -> bool:
        """Whether a notice of each alias would be heard now, as far as is known."""
        return bool(self._on_notice) and self._heard_on >= self._on_notice.keys()

    def start(self) -> None:
        """Begin to listen."""
        self._listening = asyncio.create_task(self._listen_on())

    def listen_to(self, channel: bytes, on_notice: Callable[[], None]) -> None:
        """Listen to a channel, too.

        Args:
            channel: on which all speak who serve the same alias.
            on_notice: called when somebody says that the alias has moved, or may have said so unheard.
                What is said is not looked at, so nobody can do more than make others look.
        """
        self._on_notice[channel] = on_notice
        self._added.set()

    async def tell(self, channel: bytes) -> None:
        """Say that the alias of a channel has moved."""
        await self._guard.call(lambda: self._client.publish(channel, b"moved"), otherwise=0)

    async def close(self) -> None:
        """Stop listening."""
        while self._listening is not None and not self._listening.done():
            self._listening.cancel()  # again, where the client took it for a timeout of its own
            await asyncio.wait([self._listening], timeout=_LEAST_S)

    async def _listen_on(self) -> None:
        while True:
            await self._added.wait()
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001 - the aliases are looked at anyway; logged
                if self._heard_on:
                    _log.warning("notices_not_heard", error=type(error).__name__)
            finally:
                self._heard_on.clear()
            await asyncio.sleep(self._pause_s)

    async def _listen(self) -> None:
        async with self._client.pubsub() as heard:
            asked_for = set[bytes]()
            while True:
                if new := self._on_notice.keys() - asked_for:
                    await heard.subscribe(*new)
                    asked_for |= new
                message = await heard.get_message(timeout=_LISTEN_S)
                if message is None and not self._heard_on:
                    raise ConnectionError("the subscription was not confirmed")
                if message is None:
                    await heard.ping()
                elif message["type"] in ("message", "subscribe"):
                    self._take(message["channel"], is_told=message["type"] == "message")
                await asyncio.sleep(_LEAST_S)

    def _take(self, channel: bytes, *, is_told: bool) -> None:
        self._n_heard += is_told
        self._heard_on.add(channel)
        self._on_notice[channel]()
