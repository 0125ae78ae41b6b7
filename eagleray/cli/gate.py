"""`eagleray gate`: try a snapshot without moving anything, and show what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from eagleray.cli.command import Report, reports
from eagleray.cli.output import show_fields
from eagleray.contracts.services import IndexService
from eagleray.errors import GateError, InputError
from eagleray.parts import INDEX


class _RunByDefault(TyperGroup):
    """Takes `eagleray gate`, with a snapshot and options or without, for `eagleray gate run`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        is_completed = ctx.resilient_parsing
        if not is_completed and (not args or args[0] not in (*self.commands, "--help")):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            args = ["run", *args]
        return super().resolve_command(ctx, args)


gate = typer.Typer(
    cls=_RunByDefault,
    help="Checks that a snapshot must pass before an alias moves to it.",
)


@gate.command()
@reports("store", "collection", part=INDEX)
def run(
    service: IndexService,
    snapshot: str = typer.Argument("live", help="Alias or id."),
) -> Report:
    """Check a snapshot and keep the report; exit code 3 if it does not pass. No alias moves."""
    return _report_gate(service.run_gate(snapshot=snapshot))


@gate.command()
@reports("store", "collection", part=INDEX)
def report(
    service: IndexService,
    snapshot: str = typer.Argument("live", help="Alias or id."),
    html: str = typer.Option("", help="File for the report as one page, with plots."),
) -> Report:
    """Show the report of the gate's last run on a snapshot."""
    found = service.read_gate_report(snapshot=snapshot)
    if html:
        try:
            Path(html).write_text(found["page"], encoding="utf-8")
        except OSError as error:
            raise InputError(detail=f"{html} cannot be written: {error.strerror}") from error
        found["page"] = html
    else:
        del found["page"]
    return _report_gate(found)


def _report_gate(found: dict[str, Any]) -> Report:
    checks = {
        check["name"]: f"{'passed' if check['passed'] else 'FAILED'}: {check['detail']}"
        for check in found["checks"]
    }
    return Report(
        value=found,
        show=lambda: show_fields({**found, "checks": checks}),
        exit_code=0 if found["passed"] else GateError.exit_code,
    )
