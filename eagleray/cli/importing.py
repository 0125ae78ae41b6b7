"""`eagleray import`: rows that have vectors, from their files to the alias."""

from __future__ import annotations

import typer

from eagleray.cli.ingesting import report_progress, show_report
from eagleray.cli.showing import COLLECTION_OPTION, JSON_OPTION, STORE_OPTION, choose, show_line
from eagleray.contracts.exchange import ImportRequest
from eagleray.parts import load_job_service
from eagleray.settings import load_settings


def import_rows(
    source: str = typer.Argument(help="Parquet file, Lance dataset, folder, or s3://bucket/prefix."),
    model: str = typer.Option(..., help="Whose vectors they are: minilm, hashing, or a model's folder."),
    vectors: str = typer.Option(
        "", help="Column, or .npy, .fvecs or .faiss file; default: what an export writes."
    ),
    normalise: bool = typer.Option(False, "--normalise", help="Scale vectors to length 1."),
    trust_vectors: bool = typer.Option(
        False,
        "--trust-vectors",
        help="Do not embed some texts again to see that the vectors are the model's.",
    ),
    mapping: str = typer.Option("", help="Mapping file (YAML): which column is what."),
    name: str = typer.Option("", help="Name rows are filed under that have no source; default: SOURCE's."),
    alias: str = typer.Option("live", help="Alias to move; '' builds without publishing."),
    resume: bool = typer.Option(True, "--resume/--fresh", help="Use what an unfinished run left."),
    workers: int = typer.Option(0, min=0, help="Parallel workers; 0 takes every CPU."),
    address: str = typer.Option(
        "", help="Ray cluster; 'auto' in a submitted job; default: a local one for this run."
    ),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Take rows with vectors into a collection, index, check and publish them."""
    settings = load_settings(**choose(store=store, collection=collection))
    if workers:
        jobs = settings.jobs.model_copy(update={"workers": workers})
        settings = settings.model_copy(update={"jobs": jobs})
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
    show_report(report, settings, is_json=json)
    if not json and settings.embedder.model != model:
        show_line(f"questions need the same model: export EAGLERAY_EMBEDDER__MODEL={model}")
