"""`eagleray ask`: a question, and an answer with numbered citations that a person can follow."""

from __future__ import annotations

from functools import partial
from typing import Final

import typer

from eagleray.cli.command import COLLECTION_OPTION, STORE_OPTION, Report, reports
from eagleray.cli.output import show_line, show_lines
from eagleray.cli.search_options import takes_search_options
from eagleray.cli.server_options import DEFAULT_ALIAS, ServerOptions, ask_server_for_answer
from eagleray.client.choices import read_time
from eagleray.client.cited_questions import CitedQuestion
from eagleray.client.questions import Question
from eagleray.contracts.answers import show_cited_answer
from eagleray.contracts.cited_answers import (
    DEFAULT_PIPELINE,
    MAX_CITATIONS,
    N_PASSAGES,
    AskRequest,
    Citation,
    CitedAnswer,
)
from eagleray.contracts.hits import Granularity, SearchOptions
from eagleray.contracts.principals import Principal
from eagleray.contracts.search_options import pick_options
from eagleray.contracts.times import format_micros
from eagleray.parts import ANSWERS, INDEX
from eagleray.settings import load_named

_EACH: Final = SearchOptions()
"""Stands for a flag of each option, with its default."""

_MAX_CITATIONS: Final = AskRequest.__dataclass_fields__["max_citations"].default


@reports()
@takes_search_options(k=N_PASSAGES, granularity=Granularity.CHUNK)
def ask(
    question: str = typer.Argument(help="In words."),
    pipeline: str = typer.Option(
        DEFAULT_PIPELINE,
        help="What answers; default: what reads with a model where one is set, else extractive.",
    ),
    max_citations: int = typer.Option(_MAX_CITATIONS, min=1, max=MAX_CITATIONS, help="Citations at most."),
    as_of: str | None = typer.Option(None, help="ISO 8601 time; what was known then answers."),
    filter: str = typer.Option("", help='For example: company = "Cubic Corp" and year >= 2019'),  # noqa: A002 - the option's name
    group: list[str] = typer.Option([], help="A group of the caller; repeat for more."),
    snapshot: str = typer.Option(DEFAULT_ALIAS, help="Alias or id."),
    options: SearchOptions = _EACH,
    url: str = typer.Option("", help="A server to ask instead of a store: https://host:port."),
    api_key_file: str = typer.Option("", help="File with the server's key; default: EAGLERAY_API_KEY."),
    allow_http: bool = typer.Option(
        False, "--allow-http", help="Allow sending the key over plain HTTP to others."
    ),
    explain: bool = typer.Option(False, "--explain", help="With --json: the search that was made, too."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
) -> Report:
    """Answer a question with citations, as of any time, as a caller with these groups; or ask a server.

    Every statement of the answer ends with the numbers of what it stands on. What reads the store itself
    leaves no record in the audit log; what asks a server (--url) does.
    """
    server = ServerOptions(url=url, api_key_file=api_key_file, allow_http=allow_http)
    server.check(store=store, groups=group)
    moment = read_time(as_of)
    asked = CitedQuestion(
        question=Question(query=question, as_of=moment, filter=filter, **pick_options(options)),
        pipeline=pipeline,
        max_citations=max_citations,
    )
    if url:
        answer = ask_server_for_answer(asked, server=server, collection=collection, snapshot=snapshot)
    else:
        settings = load_named(store=store, collection=collection)
        service = INDEX.load(settings)
        principal = Principal(subject="command-line", groups=frozenset(group))
        request = asked.to_request(parse_filter=service.parse_filter, principal=principal)
        answer = ANSWERS.load(settings).ask(request, service.open_engine(snapshot=snapshot))
    return Report(value=show_cited_answer(answer, is_explained=explain), show=partial(show_answer, answer))


def show_answer(answer: CitedAnswer) -> None:
    """Print an answer, below it where each citation stands, then the notices."""
    show_lines(answer.text)
    if answer.citations:
        show_line("")
    for citation in answer.citations:
        show_line(f"[{citation.number}] {citation.title or citation.doc_id}")
        show_line(f"    {_tell_place(citation)}")
    if answer.notices:
        show_line("")
    for notice in answer.notices:
        show_line(f"Note: {notice.text}")


def _tell_place(citation: Citation) -> str:
    source, doc_id = citation.source, citation.doc_id
    place = source if doc_id == source else f"{source}#{doc_id}"
    page = f", page {citation.page}" if citation.page else ""
    scale = f", {citation.scale_note}" if citation.scale_note else ""
    characters = f"characters {citation.start}-{citation.end}"
    return f"{place}{page}, {characters}{scale}, known from {format_micros(citation.known_from)}"
