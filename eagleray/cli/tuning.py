"""`eagleray tune`: weights of hybrid search fitted to judged questions."""

from __future__ import annotations

from pathlib import Path

import typer

from eagleray.cli.showing import (
    COLLECTION_OPTION,
    JSON_OPTION,
    STORE_OPTION,
    choose,
    show_fields,
    show_json,
)
from eagleray.parts import load_job_service
from eagleray.settings import load_settings


def tune(
    questions: Path = typer.Argument(help="JSON Lines file: query and relevant documents each."),
    alias: str = typer.Option("live", help="Alias whose snapshot is tuned, and which moves."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only say what would be published."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Fit the weights of hybrid search to judged questions; publish them if unseen ones gain."""
    settings = load_settings(**choose(store=store, collection=collection))
    report = load_job_service().tune(settings, questions=questions, alias=alias, is_dry=dry_run)
    if json:
        show_json(report)
    else:
        show_fields(report)
