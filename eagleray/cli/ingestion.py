"""`eagleray ingest`, `import` and `dead-letters`: what a source delivers, and what of it was set aside."""

from __future__ import annotations

from typing import Final

import typer

from eagleray.cli.command import Report, make_table, reports
from eagleray.cli.progress import ADDRESS_OPTION, RESUMES, RESUMES_WITHOUT_FRESH, report_progress
from eagleray.cli.run_report import report_refusal, report_run
from eagleray.contracts.exchange import ImportRequest
from eagleray.contracts.services import IngestRequest, JobService
from eagleray.errors import StrictRunError
from eagleray.parts import JOBS
from eagleray.settings import Settings

OPEN_OPTION: Final = typer.Option(
    False,
    "--open-documents",
    help="Let a mapping other than before open documents to callers who may not read them now.",
)

dead_letters = typer.Typer(no_args_is_help=True, help="Input that was set aside, with reason and position.")


@reports("store", "collection", "workers", part=JOBS)
def ingest(
    service: JobService,
    source: str = typer.Argument(help="Folder, s3://bucket/prefix, or URI of a source that settings name."),
    mapping: str = typer.Option("", help="Mapping file (YAML) that says which field is what."),
    name: str = typer.Option(
        "", help="Name under which the source's documents are filed; default: the folder's."
    ),
    alias: str = typer.Option("live", help="Alias to move; '' builds without publishing."),
    relabel: bool = typer.Option(
        False,
        "--relabel",
        help="Give the versions there are the attributes, titles and groups that the mapping says now.",
    ),
    open_documents: bool = OPEN_OPTION,
    resume: bool = typer.Option(True, "--resume/--fresh", help="Resume an unfinished run, or begin again."),
    dry_run: bool = typer.Option(
        False, "--dry-run", help="Only read and map the whole source, and report; write and publish nothing."
    ),
    strict: bool = typer.Option(
        False, "--strict", help="Publish nothing, with exit code 3, where anything cannot be read or matched."
    ),
    allow_refused: float | None = typer.Option(
        None, min=0.0, max=1.0, help="Like --strict, but this share of files and records may be refused."
    ),
    address: str = ADDRESS_OPTION,
) -> Report:
    """Read, chunk, embed, index, check and publish what a source delivers."""
    request = IngestRequest(
        source=source,
        source_name=name,
        mapping=mapping,
        alias=alias,
        is_resumed=resume,
        relabels=relabel,
        opens_documents=open_documents,
        address=address,
        is_dry=dry_run,
        allowed=0.0 if strict and allow_refused is None else allow_refused,
    )
    with report_progress(if_stopped=RESUMES if resume else RESUMES_WITHOUT_FRESH) as on_progress:
        try:
            report = service.ingest(request, on_progress)
        except StrictRunError as error:
            return report_refusal(error)
    return report_run(report)


@reports("store", "collection", "workers", part=JOBS)
def import_rows(
    service: JobService,
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
    open_documents: bool = OPEN_OPTION,
    resume: bool = typer.Option(True, "--resume/--fresh", help="Resume an unfinished run, or begin again."),
    address: str = ADDRESS_OPTION,
) -> Report:
    """Import rows with vectors into a collection, index, check and publish them."""
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
        opens_documents=open_documents,
        address=address,
    )
    with report_progress(if_stopped=RESUMES if resume else RESUMES_WITHOUT_FRESH) as on_progress:
        report = service.import_rows(request, on_progress)
    is_other = settings.embedder.model != model
    return report_run(report, model=model if is_other else "")


@dead_letters.command("list")
@reports("store", "collection", part=JOBS)
def list_letters(
    service: JobService,
    run: str = typer.Option("", help="Run; default: all that is still unread, whichever run tried it."),
) -> Report:
    """List what cannot be read of the sources to this day, or what one run set aside."""
    letters = service.list_dead_letters(run=run)
    return make_table(letters, ("source", "position", "reason", "n", "detail"))


@dead_letters.command()
@reports("store", "collection", part=JOBS)
def retry(
    service: JobService,
    source: str = typer.Argument(help="Folder or s3://bucket/prefix of the same source."),
    mapping: str = typer.Option("", help="Mapping file (YAML) that says which field is what."),
    name: str = typer.Option("", help="Name under which the source's documents are filed."),
    open_documents: bool = OPEN_OPTION,
) -> Report:
    """Read the files with dead letters again, although they have not changed."""
    request = IngestRequest(
        source=source,
        source_name=name,
        mapping=mapping,
        only_dead_letters=True,
        opens_documents=open_documents,
    )
    with report_progress() as on_progress:
        report = service.ingest(request, on_progress)
    return report_run(report)
