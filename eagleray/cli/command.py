"""What every command has in common: its settings from options, and its report as text or as JSON."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, Final, get_type_hints

import typer

from eagleray.cli.output import show_fields, show_json, show_table
from eagleray.settings import load_settings

COLLECTION_OPTION: Final = typer.Option(
    "", "--collection", "-c", help="Name of the collection; default: EAGLERAY_COLLECTION, else default."
)
JSON_OPTION: Final = typer.Option(False, "--json", help="Print one JSON value.")
STORE_OPTION: Final = typer.Option(
    "", "--store", help="Folder or s3://bucket/prefix; default: EAGLERAY_STORE, else eagleray-store."
)
_PLACES: Final = {"store": STORE_OPTION, "collection": COLLECTION_OPTION}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a command found or did.

    Attributes:
        value: what `--json` prints, as one value.
        show: prints it for people; one field a line where it is `None`.
        exit_code: which the command ends with.
    """

    value: Any
    show: Callable[[], None] | None = None
    exit_code: int = 0


def make_table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> Report:
    """Return a report of rows that people see as a table."""
    return Report(value=rows, show=partial(show_table, rows, columns))


def keep_given(**options: str) -> dict[str, str]:
    """Return the options that were given, as overrides of the settings."""
    return {name: value for name, value in options.items() if value}


def reports(*places: str) -> Callable[[Callable[..., Report]], Callable[..., None]]:
    """Make a command of a function that returns a report.

    The command takes the options of the function, those of the places, and `--json`. The places are loaded
    into the function's first argument, `settings`; without places it has no such argument.

    Args:
        places: `store`, `collection`, or both: which settings the command line can name.
    """

    def decorate(run: Callable[..., Report]) -> Callable[..., None]:
        hints = get_type_hints(run)
        own = [
            parameter.replace(annotation=hints[name])
            for name, parameter in inspect.signature(run).parameters.items()
            if name != "settings"
        ]
        added = [_make_parameter(place, str, default=_PLACES[place]) for place in places]
        added.append(_make_parameter("json", bool, default=JSON_OPTION))

        @wraps(run)
        def command(**given: Any) -> None:
            is_json = given.pop("json")
            named = {place: given.pop(place) for place in places}
            loaded = {"settings": load_settings(**keep_given(**named))} if places else {}
            _print(run(**loaded, **given), is_json=is_json)

        parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in (*own, *added)]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return command

    return decorate


def _make_parameter(name: str, annotation: type, *, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _print(report: Report, *, is_json: bool) -> None:
    """Print a report and end with its exit code.

    Raises:
        typer.Exit: the report has an exit code.
    """
    if is_json:
        show_json(report.value)
    elif report.show is None:
        show_fields(report.value)
    else:
        report.show()
    if report.exit_code:
        raise typer.Exit(report.exit_code)
