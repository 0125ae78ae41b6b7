"""Checks of filters and columns on behalf of a caller, by what the rows hold that the caller may read.

The types of a column are found out when it is first asked for, and kept for others who may read the same
rows. The rules are those of `indexes.masks.known_columns`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Final

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.filters import FilterExpression
from eagleray.contracts.principals import Principal
from indexes.masks.columns import ATTRIBUTES, name_attribute
from indexes.masks.known_columns import check_column, check_columns, list_attributes
from indexes.searching.recent import Recent

Types = Mapping[str, Collection[AttributeType]]
"""Attribute name -> types of its values."""

TypeFinder = Callable[[Principal | None, tuple[str, ...]], Types]
"""Finds the types of some attributes in the rows that a caller may read; `None` may read all."""

NameLister = Callable[[Principal | None], Collection[str]]
"""Lists the attributes of the rows that a caller may read."""

_KEPT: Final = 4_096
_KEPT_LISTS: Final = 16


class ColumnChecks:
    """Refuses what a caller may not ask; safe to share between threads."""

    def __init__(self, find_types: TypeFinder, list_names: NameLister) -> None:
        self._find_types, self._list_names = find_types, list_names
        self._kept, self._lists = Recent(_KEPT), Recent(_KEPT_LISTS)

    def check_filter(self, expression: FilterExpression | None, principal: Principal | None) -> None:
        """Check that a caller may ask a filter.

        Raises:
            FilterColumnError: it names no column that the caller knows, or a literal does not fit.
        """
        if expression is not None:
            types = self._find(list_attributes(expression), principal)
            check_columns(expression, types, list_names=lambda: self._list(principal))

    def check_column(self, column: str, principal: Principal | None) -> None:
        """Check that a caller may ask for a column's values.

        Raises:
            FilterColumnError: there is none that the caller knows.
        """
        name = name_attribute(column)
        types = {} if name is None else self._find([name], principal)
        check_column(column, types, list_names=lambda: self._list(principal))

    def check_attribute(self, name: str, principals: Sequence[Principal]) -> None:
        """Check that one of some callers, if there are any, knows an attribute.

        Raises:
            FilterColumnError: none of them may read a row that has it.
        """
        if principals and not any(self._find([name], principal)[name] for principal in principals):
            self.check_column(f"{ATTRIBUTES}{name}", principals[0])

    def _find(self, names: Collection[str], principal: Principal | None) -> Types:
        who = _identify(principal)
        return {name: self._kept.get((who, name), partial(self._ask, name, principal)) for name in names}

    def _ask(self, name: str, principal: Principal | None) -> Collection[AttributeType]:
        return self._find_types(principal, (name,)).get(name, ())

    def _list(self, principal: Principal | None) -> Collection[str]:
        found: Collection[str] = self._lists.get(_identify(principal), lambda: self._list_names(principal))
        return found


def _identify(principal: Principal | None) -> tuple[frozenset[str], frozenset[str] | None] | None:
    return None if principal is None else (principal.groups, principal.zones)
