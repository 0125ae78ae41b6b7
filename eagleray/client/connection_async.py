"""Carries out what a server is asked, and awaits: attempts, pauses, and answers in events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol, TypeVar

from eagleray.client.choices import read_seconds
from eagleray.client.cited_questions import CitedQuestion
from eagleray.client.conversation import Call, Failure, Operation, Pause, Reply, Retrying, converse
from eagleray.client.event_streams import EventReader, read_answer_part
from eagleray.client.operations import write_ask
from eagleray.contracts.cited_answers import AnswerPart, CitedAnswer
from eagleray.errors import UnreachableError

if TYPE_CHECKING:
    from eagleray.client.endpoints import Endpoint

Answer = TypeVar("Answer")


class AsyncTransport(Protocol):
    """Carries requests to one endpoint."""

    async def send(self, call: Call) -> Reply | Failure:
        """Return what came back."""
        ...

    def stream(self, call: Call) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Give what comes back piece by piece."""
        ...

    async def close(self) -> None:
        """End the connections."""
        ...


class AsyncServerConnection:
    """Asks one endpoint; for one event loop of asyncio."""

    def __init__(
        self,
        endpoint: Endpoint,
        transport: AsyncTransport,
        *,
        timeout_s: float,
        retrying: Retrying,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        """Take the parts.

        Args:
            endpoint: where the collection is.
            transport: that carries requests there.
            timeout_s: seconds of a call that names none, retries with it.
            retrying: decides about further attempts.
            sleep: waits for so many seconds.
        """
        self.endpoint = endpoint
        self._transport, self._timeout_s = transport, timeout_s
        self._retrying, self._sleep = retrying, sleep

    async def carry(self, operation: Operation[Answer], timeout_s: float | None) -> Answer:
        """Return the answer of an operation.

        Raises:
            EagleRayError: what the server said, or why it said nothing.
        """
        left_s = self.choose_time(timeout_s)
        talk = converse(operation, url=self.endpoint.url, timeout_s=left_s, retrying=self._retrying)
        step = next(talk)
        while True:
            came: Reply | Failure | None = None
            if isinstance(step, Pause):
                await self._sleep(step.pause_s)
            else:
                came = await self._transport.send(step)
            try:
                step = talk.send(came)
            except StopIteration as ended:
                answer: Answer = ended.value
                return answer

    async def stream_answer(self, asked: CitedQuestion, timeout_s: float) -> AsyncIterator[AnswerPart]:
        """Yield the parts of an answer; nothing is tried again.

        Raises:
            EagleRayError: what the server said, or why it said no more.
        """
        url, part = self.endpoint.url, None
        reader = EventReader(url=url)
        async with self._transport.stream(write_ask(asked, timeout_s, is_streamed=True)) as pieces:
            async for piece in pieces:
                for event in reader.feed(piece):
                    part = read_answer_part(event, url=url)
                    if part is not None:
                        yield part
        if not isinstance(part, CitedAnswer):
            raise UnreachableError(url=url, detail="the answer ended half-way")

    def choose_time(self, timeout_s: float | None) -> float:
        """Return the seconds of a call.

        Raises:
            QueryError: they are no number of seconds.
        """
        wanted_s = read_seconds("timeout_s", timeout_s)
        return self._timeout_s if wanted_s is None else wanted_s

    async def close(self) -> None:
        """End the connections."""
        await self._transport.close()
