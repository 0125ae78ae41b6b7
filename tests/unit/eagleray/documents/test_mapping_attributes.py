from __future__ import annotations

from decimal import Decimal

import pytest

from eagleray.contracts.documents import AttributeType, DeadLetterReason
from eagleray.documents.mapping_attributes import convert_attribute, convert_open_attribute
from eagleray.documents.mapping_rules import Rule, RuleKind, ValueOrigin, ValueOriginKind
from eagleray.documents.mapping_values import RuleError, convert_text

ORIGIN = ValueOrigin(kind=ValueOriginKind.FIELD, name="x")


def make_rule(kind):
    return Rule(name="x", kind=RuleKind.ATTRIBUTE, origins=(ORIGIN,), type=kind)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (Decimal("12"), 12),
        (Decimal("-9223372036854775808"), -(2**63)),
        (Decimal("9223372036854775808"), "9223372036854775808"),
        (Decimal("12.50"), 12.5),
        (Decimal("0.1"), 0.1),
        (Decimal("12345678901234567.89"), "12345678901234567.89"),
        (Decimal("1E+3"), 1000),
    ],
)
def test_a_decimal_keeps_every_digit(value, kept):
    found = convert_open_attribute(value, "x")
    assert (type(found), found) == (type(kept), kept)


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), Decimal("1e999999")])
def test_a_decimal_that_cannot_be_written_out_is_no_attribute(value):
    assert convert_open_attribute(value, "x") is None
    with pytest.raises(RuleError):
        convert_attribute(value, make_rule(AttributeType.NUMBER), origin=ORIGIN)


def test_a_decimal_becomes_what_is_declared():
    value = Decimal("12345678901234567.89")
    assert convert_attribute(value, make_rule(AttributeType.STRING), origin=ORIGIN) == "12345678901234567.89"
    assert convert_attribute(value, make_rule(AttributeType.NUMBER), origin=ORIGIN) == float(value)
    assert convert_attribute(Decimal("7.00"), make_rule(AttributeType.INTEGER), origin=ORIGIN) == 7
    with pytest.raises(RuleError) as caught:
        convert_attribute(value, make_rule(AttributeType.INTEGER), origin=ORIGIN)
    assert caught.value.reason is DeadLetterReason.WRONG_TYPE


def test_ids_of_warehouses_are_text():
    rule = Rule(name="doc_id", kind=RuleKind.TEXT, origins=(ORIGIN,))
    assert (
        convert_text(Decimal("12345678901234567890123456789012345678"), rule) == "1234567890" * 3 + "12345678"
    )
    assert convert_text(Decimal("1E+2"), rule) == "100"
    assert convert_text(Decimal("12.50"), rule) == "12.50"
