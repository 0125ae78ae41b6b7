"""Times of a mapping: by ISO 8601, a format or a number since 1970, and what databases write for none.

`infinity` is no end where a time may have none (`known_to`), and no time where one may be missing.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, Protocol

from eagleray.contracts.documents import DeadLetterReason
from eagleray.contracts.times import MAX_INSTANT, OPEN_END, check_instant, parse_instant
from eagleray.documents.mapping_rules import Rule, ValueOrigin, ValueOriginKind
from eagleray.documents.mapping_values import RuleError, describe_value
from eagleray.errors import InvalidTimeError

_EPOCH_FACTORS: Final = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
_YEAR: Final = re.compile(r"(?<!%)(?:%%)*%[YyGcx]")
_CLOCK: Final = re.compile(r"%[HIMSfpXcT]")
_INFINITIES: Final = {"infinity": 1, "+infinity": 1, "inf": 1, "+inf": 1, "-infinity": -1, "-inf": -1}
"""How databases write a time without end (1) or begin (-1). Source: PostgreSQL, special date/time inputs."""
_GREATEST: Final[dict[int | float | Decimal, int]] = {
    2**63 - 1: 1,
    2**63: 1,
    math.inf: 1,
    1 - 2**63: -1,
    -(2**63): -1,
    -math.inf: -1,
}
"""The same where a time is a number since 1970: the ends of 64 bits, also rounded to floats."""
_GREATEST_DIGITS: Final = {str(number): sign for number, sign in _GREATEST.items()}


class ConvertTime(Protocol):
    """Returns the time a value stands for, in microseconds, or `None` where it stands for none."""

    def __call__(self, value: Any, rule: Rule, *, origin: ValueOrigin) -> int | None:
        """Convert a value; see `convert_time`."""
        ...


def find_format_fault(text: str) -> str:
    """Return what is wrong with a format of times, whatever the values are, or `""`."""
    if text in _EPOCH_FACTORS:
        return ""
    try:
        datetime.strptime(datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC).strftime(text), text)
    except ValueError as error:
        return f"{text!r} is not a format of Python's strptime: {error}"
    if _YEAR.search(text) is not None:
        return ""
    known = ", ".join(_EPOCH_FACTORS)
    return f"the format {text!r} names no year; expected one such as '%d/%m/%Y %H:%M', or one of {known}"


def convert_end(value: Any, rule: Rule, *, origin: ValueOrigin) -> int:
    """Return an instant in microseconds, `OPEN_END` for what a database writes for no end.

    Raises:
        RuleError: the value is neither.
    """
    rule = rule.settle(origin)
    if _find_infinity(value, rule) > 0:
        return OPEN_END
    return convert_time(value, rule, origin=origin)


def convert_finite_time(value: Any, rule: Rule, *, origin: ValueOrigin) -> int | None:
    """Return an instant in microseconds, `None` for what a database writes for no end or no begin.

    Raises:
        RuleError: the value is neither.
    """
    rule = rule.settle(origin)
    return None if _find_infinity(value, rule) else convert_time(value, rule, origin=origin)


def convert_time(value: Any, rule: Rule, *, origin: ValueOrigin) -> int:
    """Return an instant in microseconds.

    Raises:
        RuleError: the value names no instant, or its zone is not known.
    """
    rule = rule.settle(origin)
    try:
        if origin.kind is ValueOriginKind.FILE:
            return check_instant(int(value))
        return _parse_time(value, rule)
    except InvalidTimeError as error:
        detail = f"{rule.name}: found {describe_value(value)}: {error.reason}"
    except (ValueError, OverflowError):
        wanted = f"the format {rule.format!r}" if rule.format else "an ISO 8601 time"
        detail = f"{rule.name}: expected {wanted}, found {describe_value(value)}"
    raise RuleError(reason=DeadLetterReason.INVALID_TIME, detail=detail)


def _parse_time(value: Any, rule: Rule) -> int:
    zone = rule.zone or None
    if _find_infinity(value, rule):
        raise InvalidTimeError(text="", reason="an infinite time names no moment; leave it out")
    if isinstance(value, date):  # also datetime
        return parse_instant(value, default_zone=zone)
    factor = _EPOCH_FACTORS.get(rule.format)
    if factor is not None:
        return _parse_epoch(value, factor)
    if not isinstance(value, str):
        raise InvalidTimeError(
            text="", reason="expected text; for a number say `format: epoch_s`, `epoch_ms` or `epoch_us`"
        )
    if not rule.format:
        return parse_instant(value, default_zone=zone)
    moment = datetime.strptime(value.strip(), rule.format)
    return parse_instant(moment if _CLOCK.search(rule.format) else moment.date(), default_zone=zone)


def _parse_epoch(value: Any, factor: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise InvalidTimeError(text="", reason="expected a number since 1970")
    try:
        number = Decimal(str(value)) * factor
    except ArithmeticError as error:
        raise InvalidTimeError(text="", reason="it is not a number since 1970") from error
    is_near = number.is_finite() and abs(number) <= MAX_INSTANT  # a huge exponent is not written out
    return check_instant(round(number) if is_near else MAX_INSTANT + 1, text=str(value))


def _find_infinity(value: Any, rule: Rule) -> int:
    """Return 1 for a time without end, -1 for one without begin, 0 for all else."""
    is_number = rule.format in _EPOCH_FACTORS
    if isinstance(value, str):
        text = value.strip().lower()
        return _INFINITIES.get(text) or (_GREATEST_DIGITS.get(text, 0) if is_number else 0)
    return _GREATEST.get(value, 0) if is_number and isinstance(value, int | float | Decimal) else 0
