"""What arguments mean, and which values they have; the same for every client.

Each reader takes an argument as it was given, and raises `QueryError` that says what was expected.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from reprlib import Repr
from types import NoneType
from typing import Any, Final, NoReturn, TypeVar, get_args, get_type_hints
from zoneinfo import ZoneInfo

from eagleray.contracts.hits import Granularity, Ranking, SearchMode
from eagleray.contracts.times import from_micros, parse_instant
from eagleray.errors import InvalidTimeError, QueryError

Choice = TypeVar("Choice", bound=StrEnum)
Item = TypeVar("Item")

Moment = str | datetime | date

MAX_COUNT: Final = 2**31 - 1
"""The greatest whole number that an argument may be."""

_SHOWN: Final = Repr()
_SHOWN.maxstring = _SHOWN.maxother = 60


def choose_granularity(granularity: str) -> Granularity:
    """Return what a hit stands for.

    Raises:
        QueryError: there is no such granularity.
    """
    return _choose("granularity", Granularity, granularity)


def choose_mode(mode: str) -> SearchMode:
    """Return the channels that answer.

    Raises:
        QueryError: there is no such mode.
    """
    return _choose("mode", SearchMode, mode)


def read_time(as_of: Moment | None) -> int | None:
    """Return a time in microseconds.

    Raises:
        InvalidTimeError: it names no instant.
    """
    return None if as_of is None else parse_instant(as_of)


def read_local_time(as_of: Moment | None, *, zone: str | None) -> int | None:
    """Return a time in microseconds.

    Args:
        as_of: a time; without a zone it is one on a clock of `zone`, and a date is midnight there.
        zone: IANA zone; `None` refuses a time without one, and takes a date as midnight UTC.

    Raises:
        InvalidTimeError: it names no instant, or the clock there shows it twice or never.
    """
    if zone is None:
        if isinstance(as_of, datetime) and as_of.tzinfo is None:
            reason = 'it has no time zone; name that of such times, zone="America/New_York", or localise them'
            raise InvalidTimeError(text=str(as_of), reason=reason)
        return read_time(as_of)
    if as_of is None:
        return None
    micros = parse_instant(as_of, default_zone=zone)
    shown = from_micros(micros).astimezone(ZoneInfo(zone))
    local = as_of if isinstance(as_of, datetime) else _read_local(as_of)
    if local.tzinfo is None and not _is_told_once(shown, local):
        reason = f"clocks in {zone} show it twice or never, when they are changed; write an offset"
        raise InvalidTimeError(text=str(as_of), reason=reason)
    return micros


def read_zone(name: str, zone: str | None) -> str | None:
    """Return an argument that is an IANA time zone.

    Raises:
        InvalidTimeError: there is no such zone.
    """
    if zone is not None:
        parse_instant("2000-01-01", default_zone=read_text(name, zone))
    return zone


def read_text(name: str, value: str) -> str:
    """Return an argument that is text."""
    return value if isinstance(value, str) else refuse(name, value, "text")


def read_filter_text(value: str | None) -> str:
    """Return a filter as text; empty for none."""
    return "" if value is None else read_text("filter", value)


def read_texts(name: str, values: Iterable[str]) -> list[str]:
    """Return an argument that is a sequence of texts; one text alone is none."""
    return [read_text(f"{name}[{row}]", value) for row, value in enumerate(_read_list(name, values, "texts"))]


def read_mappings(name: str, values: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return an argument that is a sequence of mappings."""
    return [
        dict(value) if isinstance(value, Mapping) else refuse(f"{name}[{row}]", value, "a mapping")
        for row, value in enumerate(_read_list(name, values, "mappings"))
    ]


def read_groups(groups: str | Iterable[str]) -> frozenset[str]:
    """Return groups that were given as a name, or several."""
    return frozenset([groups] if isinstance(groups, str) else read_texts("groups", groups))


def read_place(name: str, value: str | Path) -> str:
    """Return an argument that is a folder, a file or a URI, as text."""
    if not isinstance(value, str | os.PathLike):
        refuse(name, value, "a path or a URI")
    return read_text(name, os.fspath(value))


def read_count(name: str, value: int) -> int:
    """Return an argument that is a whole number; NumPy's are."""
    plain = _unwrap(value)
    if isinstance(plain, bool) or not isinstance(plain, int):
        refuse(name, value, "a whole number")
    if abs(plain) > MAX_COUNT:
        refuse(name, value, f"at most {MAX_COUNT}")
    return plain


def read_flag(name: str, value: bool) -> bool:
    """Return an argument that is true or false; 1 and 0 are, and NumPy's."""
    plain = _unwrap(value)
    return bool(plain) if isinstance(plain, int) and plain in (0, 1) else refuse(name, value, "True or False")


def read_seconds(name: str, value: float | None) -> float | None:
    """Return an argument that is a number of seconds, at least 0; `None` where it is not given."""
    if value is not None and not (math.isfinite(_read_number(name, value)) and value >= 0.0):
        refuse(name, value, "a finite number of seconds, at least 0")
    return value


def read_share(name: str, value: float) -> float:
    """Return an argument that is a number from 0 to 1."""
    number = _read_number(name, value)
    return float(number) if 0.0 <= number <= 1.0 else refuse(name, value, "a number from 0 to 1")


def read_ranking(ranking: Ranking) -> Ranking:
    """Return how hits are ranked, each member of its type; bounds are checked where it is answered."""
    if not isinstance(ranking, Ranking):
        refuse("ranking", ranking, "an eagleray.Ranking")
    hints = _find_hints(Ranking)
    read = {name: _read_member(name, hint, getattr(ranking, name)) for name, hint in hints.items()}
    return replace(ranking, **read)


def refuse(name: str, value: object, expected: str) -> NoReturn:
    """Refuse an argument.

    Raises:
        QueryError: always; says what was expected, and what came.
    """
    raise QueryError(detail=f"{name} must be {expected}, found {_SHOWN.repr(value)}")


def _read_local(as_of: str | date) -> datetime:
    """Return what a time or date that can be read says of clocks."""
    return datetime.fromisoformat(as_of.strip() if isinstance(as_of, str) else as_of.isoformat())


def _is_told_once(shown: datetime, local: datetime) -> bool:
    """Return whether a clock of a zone shows a time on its dial exactly once."""
    is_shown = shown.replace(tzinfo=None, fold=0) == local.replace(fold=0)
    return is_shown and shown.replace(fold=0).utcoffset() == shown.replace(fold=1).utcoffset()


def _read_list(name: str, values: Iterable[Item], items: str) -> Iterable[Item]:
    """Return an argument that is a sequence; a text or a mapping alone is none."""
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        refuse(name, values, f"a list of {items}")
    return values


def _read_member(name: str, hint: Any, value: Any) -> Any:
    if value is None and NoneType in get_args(hint):
        return None
    kinds = [part for part in get_args(hint) if part is not NoneType]
    kind = kinds[0] if NoneType in get_args(hint) else hint
    if kind is int:
        return read_count(name, value)
    if kind is float:
        return _read_number(name, value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return _choose(name, kind, value)
    if not isinstance(value, Mapping):
        refuse(name, value, "a mapping of names to numbers")
    return {read_text(f"a name in {name}", key): _read_number(name, item) for key, item in value.items()}


def _read_number(name: str, value: Any) -> Any:
    """Return an argument that is a number, as it was given."""
    plain = _unwrap(value)
    if isinstance(plain, bool) or not isinstance(plain, int | float):
        refuse(name, value, "a number")
    if isinstance(plain, int) and abs(plain) > MAX_COUNT:
        refuse(name, value, f"at most {MAX_COUNT}")
    return plain


def _choose(name: str, kind: type[Choice], value: Any) -> Choice:
    try:
        return kind(value)
    except ValueError as error:
        raise QueryError(detail=f"{name} {_SHOWN.repr(value)}: expected {', '.join(kind)}") from error


def _unwrap(value: Any) -> Any:
    """Return the Python number of a NumPy one."""
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value


@lru_cache
def _find_hints(kind: type) -> dict[str, Any]:
    return {item.name: get_type_hints(kind)[item.name] for item in fields(kind)}
