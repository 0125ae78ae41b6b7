"""`eagleray dead-letters`: what could not be read, why, and reading it again."""

from __future__ import annotations

import typer

from eagleray.cli.ingesting import report_progress, show_report
from eagleray.cli.showing import COLLECTION_OPTION, JSON_OPTION, STORE_OPTION, choose, show_json, show_table
from eagleray.contracts.services import IngestRequest
from eagleray.parts import load_job_service
from eagleray.settings import load_settings

dead_letters = typer.Typer(no_args_is_help=True, help="Input that was set aside, with reason and position.")


@dead_letters.command("list")
def list_letters(
    run: str = typer.Option("", help="Run; default: the collection's last one."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """List what a run set aside."""
    settings = load_settings(**choose(store=store, collection=collection))
    letters = load_job_service(settings).list_dead_letters(run=run)
    if json:
        show_json(letters)
    else:
        show_table(letters, ("source", "position", "reason", "n", "detail"))


@dead_letters.command()
def retry(
    source: str = typer.Argument(help="Folder or s3://bucket/prefix of the same source."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    mapping: str = typer.Option("", help="Mapping file (YAML): which field is what."),
    name: str = typer.Option("", help="Name the source's documents are filed under."),
    json: bool = JSON_OPTION,
) -> None:
    """Read the files with dead letters again, although they have not changed."""
    settings = load_settings(**choose(store=store, collection=collection))
    request = IngestRequest(source=source, source_name=name, mapping=mapping, only_dead_letters=True)
    with report_progress() as on_progress:
        report = load_job_service(settings).ingest(request, on_progress)
    show_report(report, settings, is_json=json)
