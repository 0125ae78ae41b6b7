"""Options of a search on the command line, derived from `hits.SearchOptions`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import wraps
from typing import Any, Final, get_type_hints

import typer

from eagleray.cli.command import Report
from eagleray.cli.output import show_line
from eagleray.contracts.hits import RULE, Granularity, OptionRule, Ranking, SearchOptions
from eagleray.contracts.indexes import TextField
from eagleray.errors import QueryError

OPTIONS: Final = "options"
"""Argument in whose place a command has one for each option."""

FLAGS: Final = {"k": "-k", "boosts": "--boost"}
"""Option -> its flag, where that is not its name."""

OLD_FLAGS: Final = {"chunks": "granularity", "per_document": "n_per_document"}
"""Former flag, as a parameter -> its option; the former ones are taken until version 0.4, and not shown."""

_HELP: Final = {
    "boosts": "title=2: weight of words in the title, or heading, too.",
    "n_per_document": "Chunks of one document at most, with --granularity chunk.",
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

        former = [_make_old_parameter(old) for old, name in OLD_FLAGS.items() if name not in left_out]

        @wraps(command)
        def run(**given: Any) -> Report:
            values = {name: given.pop(parameter.name) for name, parameter in found}
            values |= _read_old_flags({item.name: given.pop(item.name) for item in former})
            return command(**given, **{OPTIONS: _read_options(values)})

        taken = [*(parameter for _, parameter in found), *former]
        own = inspect.signature(command).parameters.values()
        spelled = [part for item in own for part in (taken if item.name == OPTIONS else [item])]
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
    if name == "boosts":
        hint, default = list[str], []
    option = typer.Option(default, flag, help=_HELP.get(name, rule.description))
    parameter = flag.strip("-").replace("-", "_")
    return inspect.Parameter(
        parameter, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=option, annotation=hint
    )


def _make_old_parameter(old: str) -> inspect.Parameter:
    hint, default = (bool, False) if old == "chunks" else (int | None, None)
    told = f"Former name of {list_flags()[OLD_FLAGS[old]]}, until version 0.4."
    option = typer.Option(default, f"--{old.replace('_', '-')}", hidden=True, help=told)
    return inspect.Parameter(old, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=option, annotation=hint)


def _read_old_flags(given: dict[str, Any]) -> dict[str, Any]:
    """Return the options that former flags ask for, each with a warning on standard error."""
    values = {}
    for old, value in given.items():
        if value:
            name = OLD_FLAGS[old]
            values[name] = Granularity.CHUNK if old == "chunks" else value
            now = f"{list_flags()[name]} {values[name]}"
            told = f"--{old.replace('_', '-')} is now called {now}; the former flag goes with version 0.4"
            show_line(f"warning: {told}", file=sys.stderr)
    return values


def _read_options(values: dict[str, Any]) -> SearchOptions:
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
