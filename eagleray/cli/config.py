"""`eagleray config`: which settings are in force, where each comes from, and whether they can work."""

from __future__ import annotations

import typer

from eagleray.cli.command import Report, make_table, reports
from eagleray.cli.output import show_table
from eagleray.contracts.services import IndexService
from eagleray.errors import InputError
from eagleray.parts import INDEX
from eagleray.settings import Settings, list_settings

config = typer.Typer(no_args_is_help=True, help="The settings in force, and whether they can work.")


@config.command()
@reports("store", "collection")
def show(
    settings: Settings,
    changed: bool = typer.Option(False, "--changed", help="Leave out settings that have their default."),
) -> Report:
    """Show every setting, its value and where it comes from; secrets are not shown."""
    rows = [row for row in list_settings(settings) if not (changed and row["source"] == "default")]
    return make_table(rows, ("setting", "value", "source"))


@config.command()
@reports("store", "collection", part=INDEX)
def check(service: IndexService) -> Report:
    """Try the store, the cache, the models and the collection that are set; exit code 2 if one fails."""
    rows = service.check_settings()
    shown = [{**row, "ok": "yes" if row["ok"] else "NO"} for row in rows]
    is_fine = all(row["ok"] for row in rows)
    return Report(
        value=rows,
        show=lambda: show_table(shown, ("check", "ok", "detail")),
        exit_code=0 if is_fine else InputError.exit_code,
    )
