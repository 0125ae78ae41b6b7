"""Options of a search on the command line, derived from `hits.SearchOptions`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import wraps
from typing import Any, Final, get_type_hints

import typer

from eagleray.cli.command import Report
from eagleray.contracts.hits import RULE, Granularity, OptionRule, Ranking, SearchOptions
from eagleray.contracts.indexes import TextField
from eagleray.errors import QueryError

OPTIONS: Final = "options"
"""Argument in whose place a command has one for each option."""

FLAGS: Final = {"k": "-k", "granularity": "--chunks", "boosts": "--boost", "n_per_document": "--per-document"}
"""Option -> its flag, where that is not its name."""

_HELP: Final = {
    "granularity": "Hits are chunks, not documents.",
    "boosts": "title=2: weight of words in the title, or heading, too.",
    "n_per_document": "Chunks of one document at most, with --chunks.",
}
"""Option -> its help, where the flag says something else than the option."""


def takes_search_options(
    *, left_out: Sequence[str] = (), **defaults: Any
) -> Callable[[Callable[..., Report]], Callable[..., Report]]:
    """Return what gives a command a flag for each option in the place of its argument `options`.

    Args:
        left_out: options that the command does not have.
        defaults: of flags, where they are others than the options'.
    """

    def take(command: Callable[..., Report]) -> Callable[..., Report]:
        found = [
            (name, _make_parameter(name, hint, default=defaults.get(name, default), rule=rule))
            for kind in (SearchOptions, Ranking)
            for name, hint, default, rule in _list_options(kind)
            if name not in left_out
        ]

        @wraps(command)
        def run(**given: Any) -> Report:
            values = {name: given.pop(parameter.name) for name, parameter in found}
            return command(**given, **{OPTIONS: _read_options(values)})

        own = [item for name, item in inspect.signature(command).parameters.items()]
        spelled = [
            part for item in own for part in ([p for _, p in found] if item.name == OPTIONS else [item])
        ]
        run.__signature__ = inspect.Signature(spelled)  # type: ignore[attr-defined]  # read by typer
        run.__annotations__ = {item.name: item.annotation for item in spelled}
        return run

    return take


def list_flags() -> dict[str, str]:
    """Return each option, those of a ranking with them, and its flag."""
    return {
        name: FLAGS.get(name, f"--{name.replace('_', '-')}")
        for kind in (SearchOptions, Ranking)
        for name, *_ in _list_options(kind)
    }


def _list_options(kind: type) -> list[tuple[str, Any, Any, OptionRule]]:
    """Return name, type, default and rule of each option but those that are options themselves."""
    hints = get_type_hints(kind)
    return [
        (item.name, hints[item.name], item.default, item.metadata[RULE])
        for item in fields(kind)
        if hints[item.name] is not Ranking
    ]


def _make_parameter(name: str, hint: Any, *, default: Any, rule: OptionRule) -> inspect.Parameter:
    flag = list_flags()[name]
    if name == "granularity":
        hint, default = bool, False
    elif name == "boosts":
        hint, default = list[str], []
    option = typer.Option(default, flag, help=_HELP.get(name, rule.description))
    parameter = flag.strip("-").replace("-", "_")
    return inspect.Parameter(
        parameter, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=option, annotation=hint
    )


def _read_options(values: dict[str, Any]) -> SearchOptions:
    if "granularity" in values:
        values["granularity"] = Granularity.CHUNK if values["granularity"] else Granularity.DOCUMENT
    if "boosts" in values:
        values["boosts"] = read_boosts(values["boosts"]) or None
    names = {item.name for item in fields(Ranking)}
    ranking = Ranking(**{name: value for name, value in values.items() if name in names})
    given = {name: value for name, value in values.items() if name not in names}
    return SearchOptions(ranking=ranking, **given)


def read_boosts(written: list[str]) -> dict[TextField, float]:
    """Return the weights of fields from `title=2`.

    Raises:
        QueryError: one is written otherwise.
    """
    boosts = {}
    for text in written:
        name, _, weight = text.partition("=")
        try:
            boosts[TextField(name)] = float(weight)
        except ValueError as error:
            raise QueryError(detail=f"boost {text!r}: expected title=2 or heading=0.5") from error
    return boosts
