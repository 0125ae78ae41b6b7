"""`eagleray search-many`: files of questions, answered by a job."""

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
from eagleray.contracts.hits import Granularity, SearchMode
from eagleray.contracts.services import AnswerRequest
from eagleray.parts import load_job_service
from eagleray.settings import load_settings


def search_many(
    questions: str = typer.Argument(help="Parquet file or folder, or s3:// and either."),
    target: str = typer.Argument(help="Folder or s3://bucket/prefix that takes the answers."),
    k: int = typer.Option(10, "-k", help="Number of hits of each question."),
    mode: SearchMode = typer.Option(SearchMode.HYBRID, help="Channels that answer."),
    group: list[str] = typer.Option([], help="A group of the caller; give it again for more."),
    snapshot: str = typer.Option("live", help="Alias or id."),
    chunks: bool = typer.Option(False, "--chunks", help="Hits are chunks, not documents."),
    workers: int = typer.Option(0, min=0, help="Parallel workers; 0 takes every CPU."),
    address: str = typer.Option(
        "", help="Ray cluster; 'auto' in a submitted job; default: a local one for this run."
    ),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Answer every question of Parquet files, each as of a time of its own; start it again to go on."""
    settings = load_settings(**choose(store=store, collection=collection))
    if workers:
        jobs = settings.jobs.model_copy(update={"workers": workers})
        settings = settings.model_copy(update={"jobs": jobs})
    request = AnswerRequest(
        questions=questions,
        target=target,
        k=k,
        mode=mode,
        granularity=Granularity.CHUNK if chunks else Granularity.DOCUMENT,
        groups=frozenset(group),
        snapshot=snapshot,
        address=address,
    )
    with report_progress() as on_progress:
        report = load_job_service(settings).answer(request, on_progress)
    if json:
        show_json(report)
    else:
        show_fields(report)
