"""Filter expressions as JSON values and back, without loss: a replay asks with the very same expression.

What people write is read by `indexes.masks`; a filter there may be written in several ways.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from eagleray.contracts.filters import (
    And,
    Compare,
    Comparison,
    Contains,
    FilterExpression,
    IsIn,
    IsNull,
    Matches,
    Not,
    Or,
    StartsWith,
)

_KINDS: Final = {kind.__name__: kind for kind in (Compare, IsIn, IsNull, Contains, StartsWith, Matches)}


def encode_filter(expression: FilterExpression) -> dict[str, Any]:
    """Return the JSON value of an expression."""
    if isinstance(expression, Not):
        return {"kind": "Not", "operand": encode_filter(expression.operand)}
    if isinstance(expression, And | Or):
        operands = [encode_filter(operand) for operand in expression.operands]
        return {"kind": type(expression).__name__, "operands": operands}
    values = {field.name: getattr(expression, field.name) for field in fields(expression)}
    return {"kind": type(expression).__name__, **values}


def decode_filter(value: dict[str, Any]) -> FilterExpression:
    """Return the expression of a JSON value.

    Raises:
        ValueError: the kind or the comparison is unknown.
    """
    rest = {name: item for name, item in value.items() if name != "kind"}
    match value["kind"]:
        case "Not":
            return Not(operand=decode_filter(rest["operand"]))
        case "And":
            return And(operands=tuple(decode_filter(operand) for operand in rest["operands"]))
        case "Or":
            return Or(operands=tuple(decode_filter(operand) for operand in rest["operands"]))
        case "Compare":
            return Compare(**{**rest, "op": Comparison(rest["op"])})
        case "IsIn":
            return IsIn(column=rest["column"], values=tuple(rest["values"]))
        case kind if kind in _KINDS:
            leaf: FilterExpression = _KINDS[kind](**rest)
            return leaf
        case kind:
            raise ValueError(f"unknown kind of filter {kind!r}")
