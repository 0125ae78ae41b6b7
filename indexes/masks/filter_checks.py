"""Which filters are evaluated: those of bounded size."""

from __future__ import annotations

from typing import Any, Final

from eagleray.contracts.bounds import (
    MAX_CONDITIONS,
    MAX_FILTER_DEPTH,
    MAX_LISTED,
    MAX_LITERAL,
    MAX_MATCH,
    MAX_NAME,
)
from eagleray.contracts.filters import (
    And,
    Compare,
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

_MAX_ITEMS: Final = 4 * MAX_CONDITIONS + MAX_LISTED
"""Members and items of a JSON filter, which may be more than its conditions."""

NO_UNICODE: Final = "it holds a byte that is no UTF-8, or half a character; write it in UTF-8"
"""What is told of a text that is none."""

Condition = Compare | IsIn | IsNull | Contains | StartsWith | Matches


def is_unicode(text: str) -> bool:
    """Return whether a text has no half characters; bytes of a command line that are no UTF-8 become such."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_filter(expression: FilterExpression) -> None:
    """Refuse a filter that is too large.

    Raises:
        FilterError: it nests too deep, has too many conditions or values, or a text of it is too long.
    """
    left: list[tuple[FilterExpression, int]] = [(expression, 0)]
    n_conditions = n_listed = 0
    while left:
        part, depth = left.pop()
        if depth > 2 * MAX_FILTER_DEPTH + 4:  # each level may be an `and` of an `or`
            raise _refuse("a filter", f"nested deeper than {MAX_FILTER_DEPTH} levels")
        if isinstance(part, And | Or):
            left.extend((operand, depth + 1) for operand in part.operands)
        elif isinstance(part, Not):
            left.append((part.operand, depth + 1))
        else:
            n_conditions += 1
            n_listed += _check_condition(part)
        if n_conditions + len(left) > MAX_CONDITIONS:
            raise _refuse("a filter", f"it has more than {MAX_CONDITIONS} conditions")
        if n_listed > MAX_LISTED:
            raise _refuse("a filter", f"its lists have more than {MAX_LISTED:,} values")


def check_size(conditions: Any) -> None:
    """Refuse a JSON filter that is too large to be read, without looking at what it says.

    Raises:
        FilterError: it has too many members and items.
    """
    left, n_items = [conditions], 0
    while left:
        item = left.pop()
        if isinstance(item, dict | list):
            n_items += len(item)
            if n_items > _MAX_ITEMS:
                most = f"{MAX_CONDITIONS} conditions and {MAX_LISTED:,} values"
                raise _refuse("a filter", f"it has more than {most}")
            left.extend(item.values() if isinstance(item, dict) else item)


def _check_condition(condition: Condition) -> int:
    """Return how many values its list has; 0 where it has none."""
    if len(condition.column) > MAX_NAME:
        detail = f"the name of a column has {len(condition.column)} characters; at most {MAX_NAME}"
        raise _refuse(condition.column, detail)
    values = _list_values(condition)
    if not all(is_unicode(text) for text in (condition.column, *values) if isinstance(text, str)):
        raise _refuse("a filter", NO_UNICODE)
    for value in values:
        most = MAX_MATCH if isinstance(condition, Matches) else MAX_LITERAL
        if isinstance(value, str) and len(value) > most:
            raise _refuse(condition.column, f"a value has {len(value)} characters; at most {most:,}")
    return len(condition.values) if isinstance(condition, IsIn) else 0


def _list_values(condition: Condition) -> tuple[FilterValue, ...]:
    match condition:
        case Compare(value=value) | Contains(value=value):
            return (value,)
        case StartsWith(prefix=value) | Matches(words=value):
            return (value,)
        case IsIn(values=values):
            return values
        case IsNull():
            return ()


def _refuse(name: str, detail: str) -> FilterError:
    return FilterError(text=name[:MAX_NAME], position=0, detail=detail)
