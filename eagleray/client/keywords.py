"""Keyword arguments that a function takes as `**…`: spelled out in its signature, and refused where unknown.

A typed dictionary is checked by type checkers alone; without this, a misspelt argument would be passed over.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar, cast

from eagleray.contracts.hits import Granularity
from eagleray.contracts.search_options import OLD_NAMES, explain_old_name

Given = ParamSpec("Given")
Returned = TypeVar("Returned")

_GRANULARITIES: Final = {False: Granularity.DOCUMENT, True: Granularity.CHUNK}
"""What `chunks` was -> what a hit stands for."""


def with_keywords(
    arguments: type, defaults: Mapping[str, Any]
) -> Callable[[Callable[Given, Returned]], Callable[Given, Returned]]:
    """Return what makes a function show each keyword argument it takes as `**…`, and refuse any other.

    The function raises `TypeError` for an unknown argument before it does anything, and names the nearest
    known one.

    Args:
        arguments: the typed dictionary of these arguments.
        defaults: what each is where it is not given.
    """

    def decorate(function: Callable[Given, Returned]) -> Callable[Given, Returned]:
        signature = _spell_out(function, arguments, defaults)
        known = [item.name for item in signature.parameters.values() if item.name != "self"]

        def check(given: Mapping[str, Any]) -> dict[str, Any]:
            read = _read_old_names(function.__name__, given)
            for name in read:
                if name not in known:
                    raise TypeError(_describe_unknown(function.__name__, name, known))
            return read

        checked: Any = _read_first(function, check)
        checked.__signature__ = signature
        return cast("Callable[Given, Returned]", checked)

    return decorate


def with_old_names(function: Callable[Given, Returned]) -> Callable[Given, Returned]:
    """Return a function that also takes its arguments by their former names, and warns of them."""
    return _read_first(function, lambda given: _read_old_names(function.__name__, given))


def _read_first(
    function: Callable[Given, Returned], read: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> Callable[Given, Returned]:
    """Return a function whose keyword arguments are read before it is called."""

    @wraps(function)
    def call(*args: Given.args, **kwargs: Given.kwargs) -> Returned:
        return cast("Returned", cast("Any", function)(*args, **read(kwargs)))

    @wraps(function)
    async def call_async(*args: Given.args, **kwargs: Given.kwargs) -> Any:
        return await cast("Any", function)(*args, **read(kwargs))

    return cast("Callable[Given, Returned]", call_async if inspect.iscoroutinefunction(function) else call)


def _read_old_names(function: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments by their names; a warning names the line that has a former one."""
    read = dict(given)
    for old in OLD_NAMES.keys() & given.keys():
        name, value = OLD_NAMES[old], read.pop(old)
        if name in given:
            raise TypeError(f"{function}() got {name} and {old}, its former name")
        warnings.warn(f"{function}(): {explain_old_name(old)}", DeprecationWarning, stacklevel=4)
        read[name] = _read_old_granularity(value) if old == "chunks" else value
    return read


def _read_old_granularity(chunks: Any) -> Any:
    """Return the granularity that `chunks` asked for; what is neither true nor false as it is."""
    if getattr(chunks, "ndim", None) == 0 and hasattr(chunks, "item"):
        chunks = chunks.item()
    return _GRANULARITIES[bool(chunks)] if isinstance(chunks, int) and chunks in (0, 1) else chunks


def _spell_out(
    function: Callable[..., Any], arguments: type, defaults: Mapping[str, Any]
) -> inspect.Signature:
    """Return a function's signature with each keyword argument in the place of `**…`."""
    found = inspect.signature(function)
    kept = [item for item in found.parameters.values() if item.kind is not item.VAR_KEYWORD]
    spelled = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name], annotation=_write(hint)
        )
        for name, hint in arguments.__annotations__.items()
    ]
    return found.replace(parameters=[*kept, *spelled])


def _describe_unknown(function: str, name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(known)}"
    return f"{function}() got an unexpected keyword argument {name!r}; {hint}"


def _write(hint: Any) -> str:
    """Return an annotation as it stands in the source."""
    return str(getattr(hint, "__forward_arg__", hint))
