"""`eagleray compact`: fewer, larger segments."""

from __future__ import annotations

import typer

from eagleray.cli.ingesting import report_progress
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


def compact(
    alias: str = typer.Option("live", help="Alias whose snapshot is compacted, and which moves."),
    address: str = typer.Option(
        "", help="Ray cluster; 'auto' in a submitted job; default: a local one for this run."
    ),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Join small segments that follow each other in time, check the result and publish it."""
    settings = load_settings(**choose(store=store, collection=collection))
    with report_progress() as on_progress:
        report = load_job_service(settings).compact(alias=alias, address=address, on_progress=on_progress)
    if json:
        show_json(report)
    else:
        show_fields(report)
