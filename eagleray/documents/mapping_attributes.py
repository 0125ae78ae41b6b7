"""Attributes of a mapping: values in their declared type, or in the one they came with, none of them rounded.

Only a decimal that is declared `number` becomes the nearest float.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from eagleray.contracts.documents import (
    MAX_INTEGER,
    MIN_INTEGER,
    AttributeType,
    AttributeValue,
    DeadLetterReason,
)
from eagleray.contracts.times import format_micros
from eagleray.documents.mapping_rules import Rule, ValueOrigin, ValueOriginKind
from eagleray.documents.mapping_times import convert_finite_time
from eagleray.documents.mapping_values import RuleError, is_short, make_wrong_type

_SHOWN: Final = 32
_CONTROL: Final = re.compile(r"[\x01-\x1f\x7f-\x9f\u2028\u2029]")
_BOOLEANS: Final = {"true": True, "false": False}

MAX_ATTRIBUTES: Final = 1_024
"""Attributes of one document."""

MAX_NAME: Final = 256
"""Characters of an attribute's name."""

NAME_RULE: Final = f"1 to {MAX_NAME} characters, none of them a control character"
"""What the name of an attribute must be."""


def check_attributes(attributes: Mapping[str, AttributeValue]) -> None:
    """Check that a document may have these attributes: not too many, and under names that can be asked for.

    Raises:
        RuleError: it may not.
    """
    if len(attributes) > MAX_ATTRIBUTES:
        detail = f"expected at most {MAX_ATTRIBUTES} attributes, found {len(attributes)}"
        raise RuleError(reason=DeadLetterReason.WRONG_TYPE, detail=detail)
    for name in attributes:
        if not is_attribute_name(name):
            shown = f"{name[:_SHOWN]!a}{'…' if len(name) > _SHOWN else ''}"
            detail = f"name of an attribute: expected {NAME_RULE}, found {shown}"
            raise RuleError(reason=DeadLetterReason.WRONG_TYPE, detail=detail)


def is_attribute_name(name: str) -> bool:
    """Return whether an attribute may have this name; see `NAME_RULE`."""
    return 1 <= len(name) <= MAX_NAME and not _CONTROL.search(name)


def convert_attribute(value: Any, rule: Rule, *, origin: ValueOrigin) -> AttributeValue | None:
    """Return an attribute's value in its declared type; text of a path or a table is read as that type.

    Returns:
        The value; `None` for a time without end or begin.

    Raises:
        RuleError: it has another type.
    """
    if rule.type is AttributeType.TIME:
        micros = convert_finite_time(value, rule, origin=origin)
        return None if micros is None else format_micros(micros)
    if isinstance(value, Decimal):
        return _convert_decimal(value, rule)
    is_text = origin.kind in (ValueOriginKind.PATH, ValueOriginKind.SIDECAR) and isinstance(value, str)
    found = _read_text(value, rule.type) if is_text else value
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
    raise make_wrong_type(value, rule, wanted=rule.type.value)


def convert_open_attribute(value: Any, name: str) -> AttributeValue | None:
    """Return a value with the type it came with; `None` for what no attribute can hold."""
    if isinstance(value, str | bool):
        return value
    if isinstance(value, int | float):
        if _is_integer(value) or _is_finite(value):
            return value
        detail = f"attribute {name!r}: expected a 64-bit integer or finite number, found one beyond"
        raise RuleError(reason=DeadLetterReason.WRONG_TYPE, detail=detail)
    if isinstance(value, Decimal):
        return _choose_exact(value)
    if isinstance(value, date):
        return value.isoformat()
    if value and _is_strings(value):
        return tuple(value)
    return None


def _convert_decimal(value: Decimal, rule: Rule) -> AttributeValue:
    """Return a decimal in its declared type; only `number` rounds, to the nearest float."""
    if is_short(value):
        if rule.type is AttributeType.STRING:
            return f"{value:f}"
        if rule.type is AttributeType.NUMBER:
            return float(value)
        if rule.type is AttributeType.INTEGER and value == int(value) and _is_integer(int(value)):
            return int(value)
    raise make_wrong_type(value, rule, wanted=rule.type.value)


def _choose_exact(value: Decimal) -> AttributeValue | None:
    """Return a decimal without loss: an integer, else a number, else its digits as text."""
    if not is_short(value):
        return None
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= 0 and _is_integer(int(value)):
        return int(value)
    nearest = float(value)
    return nearest if math.isfinite(nearest) and Decimal(repr(nearest)) == value else f"{value:f}"


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
    return isinstance(value, int) and not isinstance(value, bool) and MIN_INTEGER <= value <= MAX_INTEGER


def _is_finite(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)
