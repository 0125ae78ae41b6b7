"""Server-sent events, read from pieces of any size; and the parts of an answer that they are.

Source: WHATWG HTML, section 9.2, server-sent events.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from eagleray.client.problems import read_problem
from eagleray.contracts.answers import read_citation, read_cited_answer, read_statement
from eagleray.contracts.cited_answers import AnswerPart, ReleasedStatement
from eagleray.errors import InvalidTimeError, ServerError

MAX_EVENT_BYTES: Final = 64 << 20
"""Of one event; a server that sends more is none of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event. Attributes: its name, `message` where it has none, and its data."""

    name: str
    data: str


class EventReader:
    """Reads the events of one stream."""

    def __init__(self, *, url: str) -> None:
        """Begin with nothing.

        Args:
            url: of the server, for errors.
        """
        self._url, self._rest = url, b""
        self._name, self._data = "", list[str]()

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Yield the events that end in a piece of the stream.

        Raises:
            ServerError: what came is no UTF-8, or longer than any event.
        """
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > MAX_EVENT_BYTES:
            raise ServerError(url=self._url, detail=f"an event has more than {MAX_EVENT_BYTES} bytes")
        for line in lines:
            try:
                text = line.removesuffix(b"\r").decode()
            except UnicodeDecodeError as error:
                raise ServerError(url=self._url, detail="an event is no UTF-8") from error
            event = self._take(text)
            if event is not None:
                yield event

    def _take(self, line: str) -> Event | None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        elif not line:
            name, data = self._name or "message", "\n".join(self._data)
            has_data = bool(self._data)
            self._name, self._data = "", []
            return Event(name=name, data=data) if has_data else None
        return None


def read_answer_part(event: Event, *, url: str) -> AnswerPart | None:
    """Return the part of an answer that an event is; `None` for one that is not known.

    Args:
        event: of the stream.
        url: of the server, for errors.

    Raises:
        ServerError: it cannot be read.
        EagleRayError: it tells that the answer failed half-way.
    """
    try:
        shown = json.loads(event.data)
        if event.name == "statement":
            return _read_released(shown)
        if event.name == "answer":
            return read_cited_answer(shown)
        status = int(shown["status"]) if event.name == "error" else 0
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, InvalidTimeError) as error:
        detail = "an event cannot be read; is another version, or something else, served there?"
        raise ServerError(url=url, detail=detail) from error
    if status:
        raise read_problem(status, event.data.encode(), url=url)
    return None


def _read_released(shown: Any) -> ReleasedStatement:
    return ReleasedStatement(
        statement=read_statement(shown["statement"]),
        citations=tuple(map(read_citation, shown["citations"])),
    )
