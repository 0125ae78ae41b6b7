"""Filters from JSON values, as they come in a request or a file.

    filter    = { column: condition, … }                all of them hold
              | { "and": [ filter, … ] } | { "or": [ filter, … ] } | { "not": filter }
    condition = value                                   equal
              | [ value, … ]                            in
              | null                                    is null
              | { operator: operand, … }                all of them hold

Operators with a value: `eq`, `ne`, `lt`, `lte`, `gt`, `gte`; with a string: `prefix`, `contains`,
`matches`; with a list: `in`, and `between`, of two; with true or false: `null`; with a condition: `not`.
Keys of both kinds may stand beside each other in one filter. The same as text lives in `grammar`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from eagleray.contracts.bounds import MAX_FILTER_DEPTH
from eagleray.contracts.filters import (
    And,
    Compare,
    Comparison,
    Contains,
    FilterExpression,
    FilterValue,
    IsIn,
    IsNull,
    Matches,
    Not,
    Or,
    StartsWith,
)
from eagleray.errors import FilterError
from indexes.masks.filter_checks import check_filter, check_size
from indexes.masks.grammar import MAX_DIGITS

_BEYOND_DIGITS: Final = 10**MAX_DIGITS
_COMPARISONS: Final = {
    "eq": Comparison.EQ,
    "ne": Comparison.NE,
    "lt": Comparison.LT,
    "lte": Comparison.LE,
    "gt": Comparison.GT,
    "gte": Comparison.GE,
}


def read_json_filter(conditions: Mapping[str, Any]) -> FilterExpression:
    """Return the expression of a JSON filter.

    Raises:
        FilterError: it holds no condition, is too large, or an operator or a value is unknown; names the
            column.
    """
    check_size(conditions)
    expression = _read_filter(conditions, depth=0)
    check_filter(expression)
    return expression


def _read_filter(conditions: Any, *, depth: int) -> FilterExpression:
    if not isinstance(conditions, Mapping):
        raise _refuse("a filter", f"expected an object, found {_describe(conditions)}")
    _check_depth("a filter", depth)
    parts: list[FilterExpression] = []
    for name, wanted in conditions.items():
        if name in ("and", "or"):
            operands = tuple(_read_filter(item, depth=depth + 1) for item in _check_list(name, wanted))
            parts.append(And(operands=operands) if name == "and" else Or(operands=operands))
        elif name == "not":
            parts.append(Not(operand=_read_filter(wanted, depth=depth + 1)))
        else:
            parts.append(_read_condition(name, wanted, depth=depth + 1))
    return _join("a filter", parts)


def _read_condition(column: str, wanted: Any, *, depth: int) -> FilterExpression:
    _check_depth(column, depth)
    if wanted is None:
        return IsNull(column=column)
    if isinstance(wanted, list):
        return _read_in(column, wanted)
    if isinstance(wanted, Mapping):
        parts = [_read_operator(column, name, operand, depth=depth) for name, operand in wanted.items()]
        return _join(column, parts)
    return Compare(column=column, op=Comparison.EQ, value=_check_value(column, wanted))


def _read_operator(column: str, name: str, operand: Any, *, depth: int) -> FilterExpression:
    if name == "not":
        return Not(operand=_read_condition(column, operand, depth=depth + 1))
    if name in _COMPARISONS:
        return Compare(column=column, op=_COMPARISONS[name], value=_check_value(column, operand))
    if name not in _OPERATORS:
        known = ", ".join([*_COMPARISONS, *_OPERATORS, "not"])
        raise _refuse(column, f"unknown operator {name!r}; expected {known}")
    return _OPERATORS[name](column, operand)


def _read_in(column: str, operand: Any) -> FilterExpression:
    values = tuple(_check_value(column, item) for item in _check_list(column, operand))
    return IsIn(column=column, values=values)


def _read_between(column: str, operand: Any) -> FilterExpression:
    bounds = _check_list(column, operand)
    if len(bounds) != 2:
        raise _refuse(column, f"between takes the lowest and the highest value, found {len(bounds)} values")
    low, high = (_check_value(column, bound) for bound in bounds)
    return And(
        operands=(
            Compare(column=column, op=Comparison.GE, value=low),
            Compare(column=column, op=Comparison.LE, value=high),
        )
    )


def _read_null(column: str, operand: Any) -> FilterExpression:
    if not isinstance(operand, bool):
        raise _refuse(column, f"null takes true or false, found {_describe(operand)}")
    return IsNull(column=column) if operand else Not(operand=IsNull(column=column))


_OPERATORS: Final[Mapping[str, Callable[[str, Any], FilterExpression]]] = {
    "in": _read_in,
    "between": _read_between,
    "prefix": lambda column, operand: StartsWith(column=column, prefix=_check_string(column, operand)),
    "contains": lambda column, operand: Contains(column=column, value=_check_string(column, operand)),
    "matches": lambda column, operand: Matches(column=column, words=_check_string(column, operand)),
    "null": _read_null,
}


def _join(name: str, parts: list[FilterExpression]) -> FilterExpression:
    if not parts:
        raise _refuse(name, "expected at least one condition")
    return parts[0] if len(parts) == 1 else And(operands=tuple(parts))


def _check_depth(name: str, depth: int) -> None:
    if depth > MAX_FILTER_DEPTH:
        raise _refuse(name, f"nested deeper than {MAX_FILTER_DEPTH} levels")


def _check_list(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise _refuse(name, f"expected a list of at least one item, found {_describe(value)}")
    return value


def _check_string(column: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _refuse(column, f"expected a string, found {_describe(value)}")
    return value


def _check_value(column: str, value: Any) -> FilterValue:
    if isinstance(value, float) and not math.isfinite(value):
        raise _refuse(column, f"expected a finite number, found {value}")
    if isinstance(value, int) and abs(value) >= _BEYOND_DIGITS:
        raise _refuse(column, f"expected a number of at most {MAX_DIGITS} digits")
    if isinstance(value, str | int | float | bool):
        return value
    raise _refuse(column, f"expected a string, number or boolean, found {_describe(value)}")


def _describe(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"a list of {len(value)} items"
    return "an object" if isinstance(value, Mapping) else repr(value)


def _refuse(name: str, detail: str) -> FilterError:
    return FilterError(text=name, position=0, detail=detail)
