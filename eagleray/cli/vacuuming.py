"""`eagleray vacuum`: remove what nothing needs any more."""

from __future__ import annotations

import typer

from eagleray.cli.showing import (
    COLLECTION_OPTION,
    JSON_OPTION,
    STORE_OPTION,
    choose,
    show_fields,
    show_json,
)
from eagleray.parts import load_index_service
from eagleray.settings import load_settings


def vacuum(
    keep_hours: float = typer.Option(168.0, min=1.0, help="Whatever was written in these hours stays."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would go, and remove nothing."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Remove what no alias, pin or retention needs; the snapshot an alias would roll back to stays."""
    settings = load_settings(**choose(store=store, collection=collection))
    shown = load_index_service(settings).vacuum(keep_hours=keep_hours, is_dry=dry_run)
    if json:
        show_json(shown)
    else:
        show_fields(shown)
