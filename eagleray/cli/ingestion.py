"""`eagleray ingest`, `import` and `dead-letters`: what a source delivers, and what of it was set aside."""

from __future__ import annotations

from functools import partial
from typing import Any

import typer

from eagleray.cli.command import Report, make_table, reports
from eagleray.cli.output import show_fields
from eagleray.cli.progress import ADDRESS_OPTION, RESUMES, RESUMES_WITHOUT_FRESH, report_progress
from eagleray.contracts.exchange import ImportRequest
from eagleray.contracts.services import IngestRequest, JobService
from eagleray.parts import JOBS
from eagleray.settings import Settings

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
    resume: bool = typer.Option(True, "--resume/--fresh", help="Resume an unfinished run, or begin again."),
    address: str = ADDRESS_OPTION,
) -> Report:
    """Read, chunk, embed, index, check and publish what a source delivers."""
    request = IngestRequest(
        source=source, source_name=name, mapping=mapping, alias=alias, is_resumed=resume, address=address
    )
    with report_progress(if_stopped=RESUMES if resume else RESUMES_WITHOUT_FRESH) as on_progress:
        report = service.ingest(request, on_progress)
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
    run: str = typer.Option("", help="Run; default: the collection's last one."),
) -> Report:
    """List what a run set aside."""
    letters = service.list_dead_letters(run=run)
    return make_table(letters, ("source", "position", "reason", "n", "detail"))


@dead_letters.command()
@reports("store", "collection", part=JOBS)
def retry(
    service: JobService,
    source: str = typer.Argument(help="Folder or s3://bucket/prefix of the same source."),
    mapping: str = typer.Option("", help="Mapping file (YAML) that says which field is what."),
    name: str = typer.Option("", help="Name under which the source's documents are filed."),
) -> Report:
    """Read the files with dead letters again, although they have not changed."""
    request = IngestRequest(source=source, source_name=name, mapping=mapping, only_dead_letters=True)
    with report_progress() as on_progress:
        report = service.ingest(request, on_progress)
    return report_run(report)


def report_run(report: dict[str, Any], *, model: str = "") -> Report:
    """Return the report of a run, which tells people what they can do next.

    Args:
        report: what the run did.
        model: the one that questions must be embedded with, where the settings name another.
    """
    passed_over = ", ".join(f"{n} {name}" for name, n in report.get("passed_over", {}).items())
    shown = {**report, "passed_over": passed_over} if passed_over else report
    steps = []
    if report.get("dead_letters"):
        steps.append("set aside, with reasons: eagleray dead-letters list {options}")
    if "published" in report:
        steps.append("ask it: eagleray search 'your question' {options}")
    elif report["changed"]:
        steps.append(f"publish it: eagleray snapshots publish {report['snapshot'][:12]} {{options}}")
    if model:
        steps.append(f"questions need the same model: export EAGLERAY_EMBEDDER__MODEL={model}")
    return Report(value=report, show=partial(show_fields, shown), next_steps=tuple(steps))
