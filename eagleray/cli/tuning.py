"""`eagleray tune`: weights of hybrid search fitted to judged questions, or to known items."""

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
from eagleray.contracts.services import TuneRequest
from eagleray.parts import load_job_service
from eagleray.settings import load_settings


def tune(
    questions: str = typer.Argument("", help="JSON Lines file: query and relevant documents each."),
    known_items: int | None = typer.Option(None, help="Questions to make of rows, where there is no file."),
    group: list[str] = typer.Option([], help="A group whose rows may make questions; again for more."),
    alias: str = typer.Option("live", help="Alias whose snapshot is tuned, and which moves."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only say what would be published."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Fit the weights of hybrid search to judged questions, or made ones; publish them if others gain."""
    settings = load_settings(**choose(store=store, collection=collection))
    request = TuneRequest(
        questions=questions,
        n_known_items=known_items,
        groups=frozenset(group),
        alias=alias,
        is_dry=dry_run,
    )
    report = load_job_service(settings).tune(request)
    if json:
        show_json(report)
    else:
        show_fields(report)
