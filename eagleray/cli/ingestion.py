"""`eagleray ingest`, `import` and `dead-letters`: what a source delivers, and what of it was set aside."""

from __future__ import annotations

from typing import Any

import typer

from eagleray.cli.command import Report, make_table, reports
from eagleray.cli.output import show_fields, show_line
from eagleray.cli.progress import ADDRESS_OPTION, WORKERS_OPTION, choose_workers, report_progress
from eagleray.contracts.exchange import ImportRequest
from eagleray.contracts.services import IngestRequest
from eagleray.parts import load_job_service
from eagleray.settings import Settings

dead_letters = typer.Typer(no_args_is_help=True, help="Input that was set aside, with reason and position.")


@reports("store", "collection")
def ingest(
    settings: Settings,
    source: str = typer.Argument(help="Folder or s3://bucket/prefix."),
    mapping: str = typer.Option("", help="Mapping file (YAML) that says which field is what."),
    name: str = typer.Option(
        "", help="Name under which the source's documents are filed; default: the folder's."
    ),
    alias: str = typer.Option("live", help="Alias to move; '' builds without publishing."),
    resume: bool = typer.Option(True, "--resume/--fresh", help="Use what an unfinished run left."),
    workers: int = WORKERS_OPTION,
    address: str = ADDRESS_OPTION,
) -> Report:
    """Read, chunk, embed, index, check and publish what a source delivers."""
    settings = choose_workers(settings, workers)
    request = IngestRequest(
        source=source, source_name=name, mapping=mapping, alias=alias, is_resumed=resume, address=address
    )
    with report_progress() as on_progress:
        report = load_job_service(settings).ingest(request, on_progress)
    return report_run(report, settings)


@reports("store", "collection")
def import_rows(
    settings: Settings,
    source: str = typer.Argument(help="Parquet file, Lance dataset, folder, or s3://bucket/prefix."),
    model: str = typer.Option(..., help="Model of the vectors: minilm, hashing, or a model's folder."),
    vectors: str = typer.Option(
        "", help="Column, or .npy, .fvecs or .faiss file; default: what an export writes."
    ),
    normalise: bool = typer.Option(False, "--normalise", help="Scale vectors to length 1."),
    trust_vectors: bool = typer.Option(
        False,
        "--trust-vectors",
        help="Do not embed some texts again to check that the vectors are the model's.",
    ),
    mapping: str = typer.Option("", help="Mapping file (YAML) that says which column is what."),
    name: str = typer.Option("", help="Name under which rows without source are filed; default: SOURCE's."),
    alias: str = typer.Option("live", help="Alias to move; '' builds without publishing."),
    resume: bool = typer.Option(True, "--resume/--fresh", help="Use what an unfinished run left."),
    workers: int = WORKERS_OPTION,
    address: str = ADDRESS_OPTION,
) -> Report:
    """Import rows with vectors into a collection, index, check and publish them."""
    settings = choose_workers(settings, workers)
    request = ImportRequest(
        source=source,
        model=model,
        vectors=vectors,
        source_name=name,
        mapping=mapping,
        alias=alias,
        is_normalised=normalise,
        is_trusted=trust_vectors,
        is_resumed=resume,
        address=address,
    )
    with report_progress() as on_progress:
        report = load_job_service(settings).import_rows(request, on_progress)
    return report_run(report, settings, model=model)


@dead_letters.command("list")
@reports("store", "collection")
def list_letters(
    settings: Settings,
    run: str = typer.Option("", help="Run; default: the collection's last one."),
) -> Report:
    """List what a run set aside."""
    letters = load_job_service(settings).list_dead_letters(run=run)
    return make_table(letters, ("source", "position", "reason", "n", "detail"))


@dead_letters.command()
@reports("store", "collection")
def retry(
    settings: Settings,
    source: str = typer.Argument(help="Folder or s3://bucket/prefix of the same source."),
    mapping: str = typer.Option("", help="Mapping file (YAML) that says which field is what."),
    name: str = typer.Option("", help="Name under which the source's documents are filed."),
) -> Report:
    """Read the files with dead letters again, although they have not changed."""
    request = IngestRequest(source=source, source_name=name, mapping=mapping, only_dead_letters=True)
    with report_progress() as on_progress:
        report = load_job_service(settings).ingest(request, on_progress)
    return report_run(report, settings)


def report_run(report: dict[str, Any], settings: Settings, *, model: str = "") -> Report:
    """Return the report of a run, which tells people what they can do next.

    Args:
        report: what the run did.
        settings: of the collection.
        model: the one that the vectors are of, where they came with their rows.
    """

    def show() -> None:
        passed_over = ", ".join(f"{n} {name}" for name, n in report.get("passed_over", {}).items())
        show_fields({**report, "passed_over": passed_over} if passed_over else report)
        if report.get("dead_letters"):
            show_line(f"set aside, with reasons: eagleray dead-letters list {settings.options}")
        if "published" in report:
            show_line(f"ask it: eagleray search 'your question' {settings.options}")
        elif report["changed"]:
            show_line(f"publish it: eagleray snapshots publish {report['snapshot'][:12]} {settings.options}")
        if model and settings.embedder.model != model:
            show_line(f"questions need the same model: export EAGLERAY_EMBEDDER__MODEL={model}")

    return Report(value=report, show=show)
