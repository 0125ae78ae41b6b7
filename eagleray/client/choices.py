"""What arguments mean; the same for every client."""

from __future__ import annotations

from datetime import date, datetime

from eagleray.contracts.hits import Granularity, SearchMode
from eagleray.contracts.times import parse_instant
from eagleray.errors import QueryError

Moment = str | datetime | date


def choose_granularity(chunks: bool) -> Granularity:
    """Return what a hit stands for."""
    return Granularity.CHUNK if chunks else Granularity.DOCUMENT


def read_time(as_of: Moment | None) -> int | None:
    """Return a time in microseconds.

    Raises:
        InvalidTimeError: it names no instant.
    """
    return None if as_of is None else parse_instant(as_of)


def choose_mode(mode: str) -> SearchMode:
    """Return the channels that answer.

    Raises:
        QueryError: there is no such mode.
    """
    try:
        return SearchMode(mode)
    except ValueError as error:
        raise QueryError(detail=f"mode {mode!r}: expected {', '.join(SearchMode)}") from error
