"""Tells other servers that an alias has moved, and hears it from them; all of them look anyway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from redis.asyncio import Redis

from eagleray.logs import get_logger
from serve.engine.shared.guarding import Guard

_LISTEN_S: Final = 5.0
"""Seconds without a word after which the connection is tried."""

_LEAST_S: Final = 0.05
"""Seconds between two looks that notices lead to, however many come."""

_log = get_logger()


class Notices:
    """Listens to one channel; runs in one event loop."""

    def __init__(
        self, client: Redis, guard: Guard, *, channel: bytes, on_notice: Callable[[], None], pause_s: float
    ) -> None:
        """Take the parts.

        Args:
            client: of Redis; listening holds a connection of its own.
            guard: of what is told.
            channel: on which all speak who serve the same alias.
            on_notice: called when somebody says that the alias has moved, or may have said so unheard.
                What is said is not looked at, so nobody can do more than make others look.
            pause_s: seconds until it is tried again after a failure.
        """
        self._client, self._guard, self._channel = client, guard, channel
        self._on_notice, self._pause_s = on_notice, pause_s
        self._n_heard, self._is_listening = 0, False
        self._listening: asyncio.Task[None] | None = None

    @property
    def n_heard(self) -> int:
        """Notices that came."""
        return self._n_heard

    @property
    def is_listening(self) -> bool:
        """Whether a notice would be heard now, as far as is known."""
        return self._is_listening

    def start(self) -> None:
        """Begin to listen."""
        self._listening = asyncio.create_task(self._listen_on())

    async def tell(self) -> None:
        """Say that the alias has moved."""
        await self._guard.call(lambda: self._client.publish(self._channel, b"moved"), otherwise=0)

    async def close(self) -> None:
        """Stop listening."""
        while self._listening is not None and not self._listening.done():
            self._listening.cancel()  # again, where the client took it for a timeout of its own
            await asyncio.wait([self._listening], timeout=_LEAST_S)

    async def _listen_on(self) -> None:
        while True:
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001 - the alias is looked at anyway; logged
                if self._is_listening:
                    _log.warning("notices_not_heard", error=type(error).__name__)
            finally:
                self._is_listening = False
            await asyncio.sleep(self._pause_s)

    async def _listen(self) -> None:
        async with self._client.pubsub() as heard:
            await heard.subscribe(self._channel)
            while True:
                message = await heard.get_message(timeout=_LISTEN_S)
                if message is None and not self._is_listening:
                    raise ConnectionError("the subscription was not confirmed")
                if message is None:
                    await heard.ping()
                elif message["type"] in ("message", "subscribe"):
                    self._n_heard += message["type"] == "message"
                    self._is_listening = True
                    self._on_notice()
                await asyncio.sleep(_LEAST_S)
