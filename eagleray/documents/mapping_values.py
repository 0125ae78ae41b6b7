"""One value of a rule: found in a record, and converted to what the rule wants.

Faults name the rule, the type wanted and the type found; of a value they show at most its shape
(`99/99/9999`), because any field may hold text that must not reach a log.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from eagleray.contracts.documents import AttributeType, AttributeValue, DeadLetterReason
from eagleray.contracts.times import format_micros, parse_instant
from eagleray.documents.mapping_rules import FileFact, Origin, OriginKind, Rule
from eagleray.documents.records import RawRecord
from eagleray.errors import InputError, InvalidTimeError

_EPOCH_FACTORS: Final = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
_CLOCK: Final = re.compile(r"%[HIMSfpXcT]")
_FIRST_MICROS: Final = -62_135_596_800_000_000  # 0001-01-01T00:00:00Z
_LAST_MICROS: Final = 253_402_300_799_999_999  # 9999-12-31T23:59:59.999999Z
_SHAPE_LENGTH: Final = 32
_BOOLEANS: Final = {"true": True, "false": False}
_NAMES: Final[tuple[tuple[type, str], ...]] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (list, "list"),
    (tuple, "list"),
    (dict, "object"),
    (date, "time"),
)


class RuleError(InputError):
    """A record's value does not fit its rule. Fields: reason, detail."""


def find_value(rule: Rule, record: RawRecord) -> tuple[Any, Origin] | None:
    """Return the first value the rule's origins hold, with its origin; `None` where there is none.

    Raises:
        RuleError: there is none although the rule is not optional.
    """
    for origin in rule.origins:
        value = _find_origin(origin, record)
        if value is not None:
            return value, origin
    if rule.is_optional:
        return None
    wanted = " or ".join(f"{origin.kind} {origin.name!r}" for origin in rule.origins)
    detail = f"{rule.name}: expected {wanted}, found nothing; map it from elsewhere or mark it optional"
    raise RuleError(reason=DeadLetterReason.MISSING_FIELD, detail=detail)


def find_field(fields: dict[str, Any], name: str) -> Any:
    """Return the value of a dotted field, or `None`; a key that itself holds the dots comes first."""
    if name in fields:
        return fields[name]
    value: Any = fields
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return value


def _find_origin(origin: Origin, record: RawRecord) -> Any:
    if origin.kind is OriginKind.FIELD:
        return find_field(record.fields, origin.name)
    if origin.kind is OriginKind.CONSTANT:
        return origin.constant
    if origin.kind is OriginKind.PATH:
        match = re.search(origin.name, record.file.source)
        return match.group("value") if match else None
    facts = {
        FileFact.MODIFIED: record.file.modified,
        FileFact.PATH: record.file.source,
        FileFact.STEM: record.file.stem,
    }
    return facts[FileFact(origin.name)]


def convert_text(value: Any, rule: Rule) -> str:
    """Return a string; an integer, which ids often are, becomes its digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _wrong_type(value, rule, wanted="string")


def convert_groups(value: Any, rule: Rule) -> tuple[str, ...]:
    """Return group names, sorted and once each, from a name or a list of names."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name for name in names):
        raise _wrong_type(value, rule, wanted="a name or list of names, none empty")
    return tuple(sorted(set(names)))


def convert_time(value: Any, rule: Rule, *, origin: Origin) -> int:
    """Return an instant in microseconds.

    Raises:
        RuleError: the value names no instant, or its zone is not known.
    """
    if origin.kind is OriginKind.FILE:
        return int(value)
    try:
        micros = _parse_time(value, rule)
    except InvalidTimeError as error:
        detail = f"{rule.name}: found {describe_value(value)}: {error.reason}"
    except (ValueError, OverflowError):
        wanted = f"the format {rule.format!r}" if rule.format else "an ISO 8601 time"
        detail = f"{rule.name}: expected {wanted}, found {describe_value(value)}"
    else:
        if _FIRST_MICROS <= micros <= _LAST_MICROS:
            return micros
        detail = f"{rule.name}: the time is outside the years 1 to 9999"
    raise RuleError(reason=DeadLetterReason.INVALID_TIME, detail=detail)


def _parse_time(value: Any, rule: Rule) -> int:
    zone = rule.zone or None
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
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidTimeError(text="", reason="expected a number since 1970")
    try:
        number = Decimal(str(value)) * factor
    except ArithmeticError as error:
        raise InvalidTimeError(text="", reason="it is no number since 1970") from error
    if not number.is_finite() or abs(number) > _LAST_MICROS:
        raise InvalidTimeError(text="", reason="it is outside the years 1 to 9999")
    return round(number)


def convert_attribute(value: Any, rule: Rule, *, origin: Origin) -> AttributeValue:
    """Return an attribute's value in its declared type; text out of a path is read as that type.

    Raises:
        RuleError: it has another type.
    """
    if rule.type is AttributeType.TIME:
        return format_micros(convert_time(value, rule, origin=origin))
    found = _read_text(value, rule.type) if origin.kind is OriginKind.PATH else value
    if rule.type is AttributeType.STRING and isinstance(found, str):
        return found
    if rule.type is AttributeType.BOOLEAN and isinstance(found, bool):
        return found
    if rule.type is AttributeType.INTEGER and _is_integer(found):
        return int(found)
    if rule.type is AttributeType.NUMBER and (_is_integer(found) or _is_finite(found)):
        return float(found)
    if rule.type is AttributeType.STRINGS and _is_strings(found):
        return tuple(found)
    raise _wrong_type(value, rule, wanted=rule.type.value)


def convert_open_attribute(value: Any, name: str) -> AttributeValue | None:
    """Return a value with the type it came with; `None` for what no attribute can hold."""
    if isinstance(value, str | bool):
        return value
    if isinstance(value, int | float):
        if _is_integer(value) or _is_finite(value):
            return value
        detail = f"attribute {name!r}: expected a 64-bit integer or finite number, found one beyond"
        raise RuleError(reason=DeadLetterReason.WRONG_TYPE, detail=detail)
    if isinstance(value, date):
        return value.isoformat()
    if value and _is_strings(value):
        return tuple(value)
    return None


def describe_value(value: Any) -> str:
    """Return a value's type, and for short text its shape with digits as 9 and letters as a."""
    name = next((name for kind, name in _NAMES if isinstance(value, kind)), type(value).__name__)
    if not isinstance(value, str):
        return name
    shape = re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", value[:_SHAPE_LENGTH]))
    return f"string shaped {shape!r}{'…' if len(value) > _SHAPE_LENGTH else ''}"


def _read_text(text: str, kind: AttributeType) -> Any:
    try:
        if kind is AttributeType.INTEGER:
            return int(text)
        if kind is AttributeType.NUMBER:
            return float(text)
    except ValueError:
        return text
    if kind is AttributeType.BOOLEAN:
        return _BOOLEANS.get(text.lower(), text)
    return [text] if kind is AttributeType.STRINGS else text


def _is_strings(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _is_finite(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _wrong_type(value: Any, rule: Rule, *, wanted: str) -> RuleError:
    found = next((name for kind, name in _NAMES if isinstance(value, kind)), type(value).__name__)
    detail = f"{rule.name}: expected {wanted}, found {found}"
    return RuleError(reason=DeadLetterReason.WRONG_TYPE, detail=detail)
