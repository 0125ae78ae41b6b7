"""One value of a rule: found in a record, and read as text or groups.

Times are read in `mapping_times`, attributes in `mapping_attributes`.

Faults name the rule, the type wanted and the type found; of a value they show at most its shape
(`99/99/9999`), because any field may hold text that must not reach a log.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any, Final

from eagleray.contracts.documents import AttributeType, DeadLetterReason
from eagleray.contracts.sources import RawRecord
from eagleray.documents.mapping_rules import FileFact, Rule, RuleKind, ValueOrigin, ValueOriginKind
from eagleray.errors import InputError

_SHAPE_LENGTH: Final = 32
_MAX_DIGITS: Final = 1_000
"""Of a decimal that is written out."""

_NAMES: Final[tuple[tuple[type, str], ...]] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (Decimal, "decimal"),
    (str, "string"),
    (list, "list"),
    (tuple, "list"),
    (dict, "object"),
    (date, "time"),
    (bytes, "bytes that are declared no text"),
)


class RuleError(InputError):
    """A record's value does not fit its rule. Fields: reason, detail."""


def find_value(rule: Rule, record: RawRecord) -> tuple[Any, ValueOrigin] | None:
    """Return the first value the rule's origins hold, with its origin; `None` where there is none.

    Raises:
        RuleError: there is none although the rule is not optional.
    """
    for origin in rule.origins:
        value = find_place_value(rule, origin, record)
        if value is not None:
            return value, origin
    if rule.is_optional:
        return None
    wanted = " or ".join(f"{origin.kind} {origin.name!r}" for origin in rule.origins)
    advice = "map it from elsewhere" if rule.is_always_needed else "map it from elsewhere or mark it optional"
    detail = f"{rule.name}: expected {wanted}, found nothing; {advice}"
    raise RuleError(reason=DeadLetterReason.MISSING_FIELD, detail=detail)


def find_place_value(rule: Rule, place: ValueOrigin, record: RawRecord) -> Any:
    """Return the value that one place of a rule holds, or `None`; a cell holds a list where one is wanted."""
    value = find_origin(place, record)
    is_list = rule.kind is RuleKind.GROUPS or rule.type is AttributeType.STRINGS
    if value is None or not is_list or place.kind is not ValueOriginKind.SIDECAR:
        return value
    return [part.strip() for part in value.split(";") if part.strip()]


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


def find_origin(origin: ValueOrigin, record: RawRecord) -> Any:
    """Return the value that one place of a rule holds, or `None`."""
    if origin.kind is ValueOriginKind.FIELD:
        return find_field(record.fields, origin.name)
    if origin.kind is ValueOriginKind.CONSTANT:
        return origin.constant
    if origin.kind is ValueOriginKind.SIDECAR:
        return record.sidecar.get(origin.name)
    if origin.kind is ValueOriginKind.PATH:
        match = re.search(origin.name, record.origin.uri)
        return match.group("value") if match else None
    facts = {
        FileFact.MODIFIED: record.modified,
        FileFact.PATH: record.origin.uri,
        FileFact.STEM: record.origin.stem,
    }
    return facts[FileFact(origin.name)]


def convert_text(value: Any, rule: Rule) -> str:
    """Return a string; an integer or decimal, which ids often are, becomes its digits, every one of them."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, Decimal) and is_short(value):
        return f"{value:f}"
    raise make_wrong_type(value, rule, wanted="string")


def convert_groups(value: Any, rule: Rule) -> tuple[str, ...]:
    """Return group names, sorted and once each, from a name or a list of names."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name for name in names):
        raise make_wrong_type(value, rule, wanted="a name or list of names, none empty")
    return tuple(sorted(set(names)))


def is_short(value: Decimal) -> bool:
    """Return whether a decimal is finite and has few digits when it is written out."""
    return value.is_finite() and len(value.as_tuple().digits) + abs(value.adjusted()) <= _MAX_DIGITS


def name_type(value: Any) -> str:
    """Return the name of a value's type, as messages say it."""
    return next((name for kind, name in _NAMES if isinstance(value, kind)), type(value).__name__)


def describe_value(value: Any) -> str:
    """Return a value's type, and for short text its shape with digits as 9 and letters as a."""
    name = name_type(value)
    if not isinstance(value, str):
        return name
    shape = re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", value[:_SHAPE_LENGTH]))
    return f"string shaped {shape!r}{'…' if len(value) > _SHAPE_LENGTH else ''}"


def make_wrong_type(value: Any, rule: Rule, *, wanted: str) -> RuleError:
    """Return the error that says which type a rule wants and which one it found."""
    detail = f"{rule.name}: expected {wanted}, found {name_type(value)}"
    return RuleError(reason=DeadLetterReason.WRONG_TYPE, detail=detail)
