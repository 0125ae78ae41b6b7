"""`eagleray gate`: try a snapshot without moving anything, and show what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from eagleray.cli.showing import (
    COLLECTION_OPTION,
    JSON_OPTION,
    STORE_OPTION,
    choose,
    show_fields,
    show_json,
)
from eagleray.errors import GateError, InputError
from eagleray.parts import load_index_service
from eagleray.settings import load_settings


class _RunByDefault(TyperGroup):
    """Takes `eagleray gate SNAPSHOT` for `eagleray gate run SNAPSHOT`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            args = ["run", *args]
        return super().resolve_command(ctx, args)


gate = typer.Typer(
    cls=_RunByDefault, no_args_is_help=True, help="What a snapshot must pass before an alias moves to it."
)


@gate.command()
def run(
    snapshot: str = typer.Argument("live", help="Alias or id."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Try a snapshot and keep the report; exit code 3 where it does not pass. No alias moves."""
    settings = load_settings(**choose(store=store, collection=collection))
    _show(load_index_service(settings).run_gate(snapshot=snapshot), is_json=json)


@gate.command()
def report(
    snapshot: str = typer.Argument("live", help="Alias or id."),
    html: str = typer.Option("", help="File that takes the report as one page, with plots."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Show the report of the gate's last run on a snapshot."""
    settings = load_settings(**choose(store=store, collection=collection))
    found = load_index_service(settings).read_gate_report(snapshot=snapshot)
    if html:
        try:
            Path(html).write_text(found["page"], encoding="utf-8")
        except OSError as error:
            raise InputError(detail=f"{html} cannot be written: {error.strerror}") from error
        found["page"] = html
    else:
        del found["page"]
    _show(found, is_json=json)


def _show(found: dict[str, Any], *, is_json: bool) -> None:
    if is_json:
        show_json(found)
    else:
        gate = {
            check["name"]: f"{'passed' if check['passed'] else 'FAILED'}: {check['detail']}"
            for check in found["checks"]
        }
        show_fields({**found, "checks": gate})
    if not found["passed"]:
        raise typer.Exit(GateError.exit_code)
