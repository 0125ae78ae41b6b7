"""Options of a search as JSON values, written and read by their definition, `hits.SearchOptions`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import lru_cache
from types import NoneType
from typing import Any, Final, get_args, get_origin, get_type_hints

from eagleray.contracts.hits import SearchOptions

OPTION_NAMES: Final = tuple(item.name for item in fields(SearchOptions))
"""Names of the options, in their order."""


OLD_NAMES: Final[Mapping[str, str]] = {"where": "filter", "chunks": "granularity"}
"""Former name -> name, of arguments, columns and keys; the former ones are understood until version 0.4."""


def explain_old_name(old: str) -> str:
    """Return what is said of a former name that was used."""
    return f"{old} is now called {OLD_NAMES[old]}; the former name goes with version 0.4"


def pick_options(holder: SearchOptions) -> dict[str, Any]:
    """Return the options of a request or a question, and nothing else of it, by their names."""
    return {name: getattr(holder, name) for name in OPTION_NAMES}


def show_options(holder: SearchOptions) -> dict[str, Any]:
    """Return the options of a request or a question as JSON values."""
    return {name: _show(value) for name, value in pick_options(holder).items()}


def read_options(shown: Mapping[str, Any]) -> SearchOptions:
    """Return the options that `show_options` has shown; what is not there has its default.

    Raises:
        ValueError: a value is none of those that its option has.
    """
    return SearchOptions(**_read_members(SearchOptions, shown))


def _show(value: Any) -> Any:
    if is_dataclass(value):
        return {item.name: _show(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): item for name, item in value.items()}
    return str(value) if isinstance(value, StrEnum) else value


def _read_members(kind: type, shown: Mapping[str, Any]) -> dict[str, Any]:
    hints = _find_hints(kind)
    return {name: _read(hints[name], value) for name, value in shown.items() if name in hints}


def _read(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    given = [part for part in get_args(hint) if part is not NoneType]
    kind = given[0] if NoneType in get_args(hint) else hint
    if get_origin(kind) is not None:  # a mapping of names to numbers
        name = get_args(kind)[0]
        return {name(key): item for key, item in value.items()}
    if isinstance(kind, type) and is_dataclass(kind):
        return kind(**_read_members(kind, value))
    return kind(value) if issubclass(kind, StrEnum) else value


@lru_cache
def _find_hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
