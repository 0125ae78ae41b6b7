"""Instants: int64 microseconds since 1970-01-01T00:00:00Z, the only form stored and compared.

Their one domain is the years 1 to 9999 in UTC, after the zone is applied: what is taken can be shown,
filtered, written and read back everywhere. Parsing from text lives here; which field of a document is which
time lives in `eagleray.documents.mapping`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from eagleray.errors import InvalidTimeError

OPEN_END: Final = 2**63 - 1
"""`known_to` of a row that nothing has superseded or deleted (microseconds)."""

LATEST: Final = OPEN_END - 1
"""The moment at which only what nothing has superseded or deleted is visible (microseconds)."""

MIN_INSTANT: Final = -62_135_596_800_000_000
"""0001-01-01T00:00:00Z, the first instant there is (microseconds)."""

MAX_INSTANT: Final = 253_402_300_799_999_999
"""9999-12-31T23:59:59.999999Z, the last instant there is (microseconds)."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DATE_ONLY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_LONG_YEAR: Final = re.compile(r"[+-]?\d{5,}-\d{2}-\d{2}")
_OUTSIDE: Final = "it is outside the years 1 to 9999 in UTC"


def to_micros(moment: datetime) -> int:
    """Return `moment` as microseconds since the epoch.

    Args:
        moment: a time with a zone.

    Raises:
        InvalidTimeError: `moment` has no zone, so it names no instant, or is outside the years 1 to 9999.
    """
    if moment.tzinfo is None:
        raise InvalidTimeError(text=moment.isoformat(), reason="it has no time zone")
    return check_instant((moment - _EPOCH) // _MICROSECOND, text=moment.isoformat())


def check_instant(micros: int, *, text: str = "") -> int:
    """Return `micros` if it is an instant.

    Args:
        micros: microseconds since the epoch.
        text: how it was written; its number if empty.

    Raises:
        InvalidTimeError: it is outside the years 1 to 9999 in UTC.
    """
    if not MIN_INSTANT <= micros <= MAX_INSTANT:
        raise InvalidTimeError(text=text or str(micros), reason=_OUTSIDE)
    return micros


def from_micros(micros: int) -> datetime:
    """Return the UTC time of an instant, microseconds since the epoch."""
    return _EPOCH + timedelta(microseconds=micros)


def format_micros(micros: int) -> str:
    """Return ISO 8601 text in UTC, or `open` for an end that is not set."""
    if micros == OPEN_END:
        return "open"
    return from_micros(micros).isoformat().replace("+00:00", "Z")


def parse_instant(value: str | datetime | date, *, default_zone: str | None = None) -> int:
    """Return the instant that ISO 8601 text, a datetime or a date names, in microseconds.

    A bare date means midnight at the start of that day.

    Args:
        value: ISO 8601 text such as `2019-03-01T09:30:00Z` or `2019-03-01`, or a Python value.
        default_zone: IANA zone for values that name none; `None` refuses times without a zone
            and reads a bare date as UTC.

    Raises:
        InvalidTimeError: the text is no ISO 8601 time, the zone is unknown, a time of day comes without one
            and `default_zone` is `None`, or it is outside the years 1 to 9999 in UTC.
    """
    is_date = False
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment, is_date = datetime(value.year, value.month, value.day), True
    elif not isinstance(value, str):
        expected = "expected ISO 8601 text, a date, or a datetime with a zone"
        raise InvalidTimeError(text=str(value), reason=expected)
    else:
        text = value.strip()
        is_date = _DATE_ONLY.fullmatch(text) is not None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            is_outside = _LONG_YEAR.match(text) is not None
            expected = "it is not an ISO 8601 time such as 2019-03-01 or 2019-03-01T09:30:00Z"
            raise InvalidTimeError(text=value, reason=_OUTSIDE if is_outside else expected) from error
    if moment.tzinfo is None:
        if default_zone is None and not is_date:
            raise InvalidTimeError(
                text=str(value), reason="it has no time zone; write an offset or `Z`, or name a default zone"
            )
        moment = moment.replace(tzinfo=_load_zone(default_zone or "UTC"))
    return to_micros(moment)


def _load_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: the name of a folder
        raise InvalidTimeError(text=name, reason="it is not an IANA time zone") from error
