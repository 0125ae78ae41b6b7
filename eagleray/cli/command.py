"""What every command has in common: its settings from options, and its report as text or as JSON."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, Final, get_type_hints

import typer

from eagleray.cli.output import show_fields, show_json, show_line, show_table
from eagleray.parts import Part
from eagleray.settings import Settings, load_named

COLLECTION_OPTION: Final = typer.Option(
    "", "--collection", "-c", help="Name of the collection; default: EAGLERAY_COLLECTION, else default."
)
JSON_OPTION: Final = typer.Option(False, "--json", help="Print one JSON value.")
STORE_OPTION: Final = typer.Option(
    "", "--store", help="Folder or s3://bucket/prefix; default: EAGLERAY_STORE, else eagleray-store."
)
WORKERS_OPTION: Final = typer.Option(0, min=0, help="Parallel workers; 0 takes every CPU.")
_OPTIONS: Final = {
    "store": (str, STORE_OPTION),
    "collection": (str, COLLECTION_OPTION),
    "workers": (int, WORKERS_OPTION),
}
_NOT_OPTIONS: Final = frozenset({"service", "settings"})
"""Parameters that a command's function gets from its decorator, and not from the command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a command found or did.

    Attributes:
        value: what `--json` prints, as one value.
        show: prints it for people; one field a line where it is `None`.
        next_steps: lines for people about what they can do next; `{options}` in a line stands for the
            options that name the command's store and collection.
        exit_code: which the command ends with.
    """

    value: Any
    show: Callable[[], None] | None = None
    next_steps: tuple[str, ...] = ()
    exit_code: int = 0


def make_table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> Report:
    """Return a report of rows that people see as a table."""
    return Report(value=rows, show=partial(show_table, rows, columns))


RunsCommand = Callable[..., Report]
"""A command's work: from what was said on the command line to its report."""


def reports(*places: str, part: Part[Any] | None = None) -> Callable[[RunsCommand], Callable[..., None]]:
    """Make a command of a function that returns a report.

    The command takes the options of the function, those of the places, and `--json`. Where the function has
    a parameter `settings`, it gets the settings loaded with the places; for `service`, the part's service.

    Args:
        places: `store`, `collection`, `workers`: which settings the command line can name; without any, no
            settings are loaded.
        part: whose service does the command's work.
    """

    def decorate(run: RunsCommand) -> Callable[..., None]:
        hints = get_type_hints(run)
        wanted = inspect.signature(run).parameters
        own = [wanted[name].replace(annotation=hints[name]) for name in wanted if name not in _NOT_OPTIONS]
        added = [_make_parameter(place, *_OPTIONS[place]) for place in places]
        added.append(_make_parameter("json", bool, JSON_OPTION))

        @wraps(run)
        def command(**given: Any) -> None:
            is_json = given.pop("json")
            if not places:
                _print(run(**given), is_json=is_json)
                return
            settings = _load_places({place: given.pop(place) for place in places})
            if "settings" in wanted:
                given["settings"] = settings
            if part is not None:
                given["service"] = part.load(settings)
            _print(run(**given), is_json=is_json, options=settings.options)

        parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in (*own, *added)]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return command

    return decorate


def _load_places(given: dict[str, Any]) -> Settings:
    workers = given.pop("workers", 0)
    return load_named(**given, groups={"jobs": {"workers": workers}} if workers else None)


def _make_parameter(name: str, annotation: type, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _print(report: Report, *, is_json: bool, options: str = "") -> None:
    """Print a report and end with its exit code.

    Raises:
        typer.Exit: the report has an exit code.
    """
    if is_json:
        show_json(report.value)
    else:
        if report.show is None:
            show_fields(report.value)
        else:
            report.show()
        for line in report.next_steps:
            show_line(line.replace("{options}", options))
    if report.exit_code:
        raise typer.Exit(report.exit_code)
