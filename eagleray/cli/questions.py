"""`eagleray search`, `search-many` and `facets`: questions to a collection, and their answers."""

from __future__ import annotations

from functools import partial
from typing import Final

import typer

from eagleray.cli.command import COLLECTION_OPTION, STORE_OPTION, Report, make_table, reports
from eagleray.cli.output import show_line, show_marked
from eagleray.cli.progress import ADDRESS_OPTION, report_progress
from eagleray.cli.search_options import takes_search_options
from eagleray.cli.server_options import DEFAULT_ALIAS, ServerOptions, ask_server
from eagleray.client.choices import read_time
from eagleray.client.questions import Question
from eagleray.contracts.answers import show_response
from eagleray.contracts.hits import (
    Explanation,
    FacetRequest,
    Hit,
    SearchOptions,
    SearchResponse,
    SegmentExplanation,
)
from eagleray.contracts.principals import Principal
from eagleray.contracts.search_options import pick_options
from eagleray.contracts.services import AnswerRequest, IndexService, JobService
from eagleray.contracts.times import OPEN_END, format_micros
from eagleray.parts import INDEX, JOBS
from eagleray.settings import load_named

_EACH: Final = SearchOptions()
"""Stands for a flag of each option, with its default."""


@reports()
@takes_search_options(k=5)
def search(
    query: str = typer.Argument("", help='The question, in words; "a phrase", begin*'),
    like: str = typer.Option("", help="A document, instead of a question: find others like it."),
    as_of: str | None = typer.Option(None, help="ISO 8601 time; what was known then answers."),
    filter: str = typer.Option("", help='For example: company = "Cubic Corp" and year >= 2019'),  # noqa: A002 - the option's name
    group: list[str] = typer.Option([], help="A group of the caller; repeat for more."),
    snapshot: str = typer.Option(DEFAULT_ALIAS, help="Alias or id."),
    options: SearchOptions = _EACH,
    explain: bool = typer.Option(False, "--explain", help="Show how the answer came about."),
    url: str = typer.Option("", help="A server to ask instead of a store: https://host:port."),
    api_key_file: str = typer.Option("", help="File with the server's key; default: EAGLERAY_API_KEY."),
    allow_http: bool = typer.Option(
        False, "--allow-http", help="Allow sending the key over plain HTTP to others."
    ),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
) -> Report:
    """Search a snapshot, as of any time, as a caller with these groups; or ask a server.

    What reads the store itself leaves no record in the audit log; what asks a server (--url) does.
    """
    server = ServerOptions(url=url, api_key_file=api_key_file, allow_http=allow_http)
    server.check(store=store, groups=group)
    moment = read_time(as_of)
    question = Question(query=query, like=like, as_of=moment, filter=filter, **pick_options(options))
    if url:
        response = ask_server(question, server=server, collection=collection, snapshot=snapshot)
    else:
        service = INDEX.load(load_named(store=store, collection=collection))
        response = _search_store(question, service=service, groups=group, snapshot=snapshot)
    return report_answer(response, is_explained=explain)


def report_answer(response: SearchResponse, *, is_explained: bool) -> Report:
    """Return the report of an answer from a store or a server."""
    return Report(
        value=show_response(response, is_explained=is_explained),
        show=partial(show_hits, response, is_explained=is_explained),
    )


@reports("store", "collection", "workers", part=JOBS)
@takes_search_options(left_out=("exact", "rerank"))
def search_many(
    service: JobService,
    questions: str = typer.Argument(help="Parquet file or folder, local or on s3://."),
    target: str = typer.Argument(help="Folder or s3://bucket/prefix for the answers."),
    options: SearchOptions = _EACH,
    group: list[str] = typer.Option([], help="A group of the caller; repeat for more."),
    snapshot: str = typer.Option("live", help="Alias or id."),
    address: str = ADDRESS_OPTION,
) -> Report:
    """Answer every question in Parquet files, each as of its own time; run it again to resume."""
    request = AnswerRequest(
        questions=questions,
        target=target,
        options=options,
        groups=frozenset(group),
        snapshot=snapshot,
        address=address,
    )
    with report_progress() as on_progress:
        report = service.answer(request, on_progress)
    return Report(value=report)


@reports("store", "collection", part=INDEX)
def facets(
    service: IndexService,
    column: str = typer.Argument(help="An attribute, or a column every row has, such as source."),
    n: int = typer.Option(10, "-n", help="Number of values."),
    as_of: str | None = typer.Option(None, help="ISO 8601 time; what was known then counts."),
    filter: str = typer.Option("", help="Rows to count, for example: year >= 2019"),  # noqa: A002 - the option's name
    group: list[str] = typer.Option([], help="A group of the caller; repeat for more."),
    snapshot: str = typer.Option("live", help="Alias or id."),
) -> Report:
    """Count the documents with each value of a column, as of any time, as a caller with these groups."""
    request = FacetRequest(
        column=column,
        n=n,
        as_of=read_time(as_of),
        filter=service.parse_filter(filter) if filter else None,
        principal=Principal(subject="command-line", groups=frozenset(group)),
    )
    rows = service.open_engine(snapshot=snapshot).count_values(request)
    return make_table(rows, ("value", "documents"))


def _search_store(
    question: Question, *, service: IndexService, groups: list[str], snapshot: str
) -> SearchResponse:
    principal = Principal(subject="command-line", groups=frozenset(groups))
    request = question.to_request(parse_filter=service.parse_filter, principal=principal)
    return service.open_engine(snapshot=snapshot).search(request)


def show_hits(response: SearchResponse, *, is_explained: bool) -> None:
    """Print hits, best first, and perhaps how they were found."""
    if not response.hits:
        show_line("no hits: nothing visible to this caller at this time matches")
    elif response.relevant is False:
        show_line("nothing relevant: the best hits, but none is likely to answer the question")
    for rank, hit in enumerate(response.hits, start=1):
        reranked = "" if hit.reranked is None else f", reranked {hit.reranked:.3f}"
        relevance = "" if hit.relevance is None else f", relevance {hit.relevance:.2f}"
        show_line(f"{rank}. {hit.title or hit.doc_id}  [{hit.score:.3f}{reranked}{relevance}]")
        show_marked(hit.snippet.text, hit.snippet.highlights, indent="   ")
        show_line(f"   {_tell_place(hit)}, {_tell_times(hit)}")
    if is_explained:
        _show_explanation(response.explanation)


def _show_explanation(explanation: Explanation) -> None:
    as_of = "now" if explanation.as_of is None else format_micros(explanation.as_of)
    kind = {None: "", True: ", exact", False: ", approximate"}[explanation.is_exact]
    show_line(
        f"snapshot {explanation.snapshot[:12]} as of {as_of}: {explanation.n_visible} chunks visible{kind}"
    )
    for segment in explanation.segments:
        show_line(
            f"segment {segment.segment[:12]}: {segment.n_rows} chunks, {segment.n_prefix} known by then, "
            f"{segment.n_selected} visible to this caller and filter; {_tell_plan(segment)}"
        )
    if explanation.reranking is not None:
        model = explanation.reranking
        show_line(f"{model.n_candidates} candidates scored again by {model.reranker} ({model.digest[:12]})")
    words = ", ".join(f"{term} {n}" for term, n in explanation.document_frequencies.items())
    show_line(
        f"visible chunks with each word: {words or 'none'}; mean {explanation.average_length:.1f} words"
    )
    if explanation.timings_ms:
        show_line(", ".join(f"{step} {ms:.1f} ms" for step, ms in explanation.timings_ms.items()))


def _tell_plan(segment: SegmentExplanation) -> str:
    if not segment.n_probes:
        return f"plan {segment.plan}"
    effort = f"{segment.n_probes} lists, {segment.n_candidates} vectors compared"
    return f"plan {segment.plan}: {effort}, recall {segment.recall:.3f} or more"


def _tell_place(hit: Hit) -> str:
    place = hit.source if hit.doc_id == hit.source else f"{hit.source}#{hit.doc_id}"
    page = f", page {hit.page}" if hit.page else ""
    return f"{place}{page}, characters {hit.start}-{hit.end}"


def _tell_times(hit: Hit) -> str:
    until = "" if hit.known_to == OPEN_END else f" to {format_micros(hit.known_to)}"
    about = "" if hit.event_time is None else f", event time {format_micros(hit.event_time)}"
    return f"known from {format_micros(hit.known_from)}{until}{about}"
