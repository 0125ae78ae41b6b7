"""Carries out what a server is asked, and blocks: attempts, pauses, and answers in events.

Written by `make sync-client` from `connection_async.py`: change that file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
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


class Transport(Protocol):
    """Carries requests to one endpoint."""

    def send(self, call: Call) -> Reply | Failure:
        """Return what came back."""
        ...

    def stream(self, call: Call) -> AbstractContextManager[Iterator[bytes]]:
        """Give what comes back piece by piece."""
        ...

    def close(self) -> None:
        """End the connections."""
        ...


class ServerConnection:
    """Asks one endpoint; safe to share between threads."""

    def __init__(
        self,
        endpoint: Endpoint,
        transport: Transport,
        *,
        timeout_s: float,
        retrying: Retrying,
        sleep: Callable[[float], None],
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

    def carry(self, operation: Operation[Answer], timeout_s: float | None) -> Answer:
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
                self._sleep(step.pause_s)
            else:
                came = self._transport.send(step)
            try:
                step = talk.send(came)
            except StopIteration as ended:
                answer: Answer = ended.value
                return answer

    def stream_answer(self, asked: CitedQuestion, timeout_s: float) -> Iterator[AnswerPart]:
        """Yield the parts of an answer; nothing is tried again.

        Raises:
            EagleRayError: what the server said, or why it said no more.
        """
        url, part = self.endpoint.url, None
        reader = EventReader(url=url)
        with self._transport.stream(write_ask(asked, timeout_s, is_streamed=True)) as pieces:
            for piece in pieces:
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

    def close(self) -> None:
        """End the connections."""
        self._transport.close()
