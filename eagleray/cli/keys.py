"""`eagleray keys`: make, revoke and list the API keys of a store."""

from __future__ import annotations

from typing import Any, Final

import typer

from eagleray.cli.command import Report, reports
from eagleray.cli.output import show_fields, show_line, show_table
from eagleray.contracts.callers import Role
from eagleray.contracts.services import KeyRequest, KeyService
from eagleray.errors import InputError
from eagleray.parts import KEYS

_COLUMNS: Final = (
    "key_id",
    "state",
    "subject",
    "roles",
    "groups",
    "zones",
    "collections",
    "expires",
    "note",
)

keys = typer.Typer(no_args_is_help=True, help="API keys of a store: who may use a server, and for what.")


@keys.command()
@reports("store", part=KEYS)
def create(
    service: KeyService,
    subject: str = typer.Argument(help="Name of the person or service that will hold the key."),
    role: list[Role] = typer.Option(help="What the holder may do; repeat for more."),
    group: list[str] = typer.Option([], help="A group of the holder; repeat for more."),
    zone: list[str] = typer.Option([], help="A zone that the holder may read; repeat for more."),
    all_zones: bool = typer.Option(False, "--all-zones", help="The holder may read every zone."),
    collection: list[str] = typer.Option(
        [], help="A collection that the holder may see; repeat for more; default: every one."
    ),
    days: int = typer.Option(90, min=1, max=3650, help="Days until the key expires."),
    note: str = typer.Option("", help="What the key is for."),
) -> Report:
    """Create a key and show it once: only a hash of it is kept."""
    if zone and all_zones:
        raise InputError(detail="expected --zone or --all-zones, found both")
    request = KeyRequest(
        subject=subject,
        roles=frozenset(role),
        groups=frozenset(group),
        zones=None if all_zones else frozenset(zone),
        days=days,
        note=note,
        collections=frozenset(collection) if collection else None,
    )
    made = service.create(request)

    def show() -> None:
        show_fields({name: value for name, value in _name_all(made).items() if name != "warnings"})
        for warning in made["warnings"]:
            show_line(f"warning: {warning}")
        show_line("keep the key now: it cannot be shown again")

    return Report(value=made, show=show)


@keys.command()
@reports("store", part=KEYS)
def revoke(
    service: KeyService,
    key_id: str = typer.Argument(help="Id of the key: the 16 digits after `er_`."),
) -> Report:
    """Revoke a key permanently."""
    return Report(value=service.revoke(key_id=key_id))


@keys.command("list")
@reports("store", part=KEYS)
def list_all(service: KeyService) -> Report:
    """List every key ever created, oldest first; never the keys themselves."""
    rows = service.list_keys()
    shown = [
        {
            name: " ".join(value) if isinstance(value, list) else value
            for name, value in _name_all(row).items()
        }
        for row in rows
    ]
    return Report(value=rows, show=lambda: show_table(shown, _COLUMNS))


def _name_all(row: dict[str, Any]) -> dict[str, Any]:
    """Return a key's facts as people read them: bound to no zones, or no collections, it has all."""
    return {**row, **{name: "all" for name in ("zones", "collections") if row[name] is None}}
