"""Keyword arguments that a function takes as `**…`: spelled out in its signature, and refused where unknown.

A typed dictionary is checked by type checkers alone; without this, a misspelt argument would be passed over.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

Given = ParamSpec("Given")
Returned = TypeVar("Returned")


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

        def check(given: Mapping[str, Any]) -> None:
            for name in given:
                if name not in known:
                    raise TypeError(_describe_unknown(function.__name__, name, known))

        @wraps(function)
        def call(*args: Given.args, **kwargs: Given.kwargs) -> Returned:
            check(kwargs)
            return function(*args, **kwargs)

        @wraps(function)
        async def call_async(*args: Given.args, **kwargs: Given.kwargs) -> Any:
            check(kwargs)
            return await cast("Any", function(*args, **kwargs))

        checked: Any = call_async if inspect.iscoroutinefunction(function) else call
        checked.__signature__ = signature
        return cast("Callable[Given, Returned]", checked)

    return decorate


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
