"""The tools: what each takes and gives, what a model is told of it, and how it is carried out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any, Final, Generic, TypeVar

from eagleray.contracts.answers import show_citation, show_cited_answer, show_document, show_response
from serve.agents.table_rows import FoundRow, find_rows
from serve.mcp.arguments import (
    AskToolArguments,
    FetchToolArguments,
    NoArguments,
    SearchToolArguments,
    TableLookupToolArguments,
    ToolArguments,
)
from serve.mcp.ports import CollectionReader, OnStatement
from serve.mcp.results import (
    AskResult,
    CollectionsResult,
    FetchResult,
    Result,
    SearchResult,
    TableLookupResult,
)

Taken = TypeVar("Taken", bound=ToolArguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool(Generic[Taken]):
    """A tool.

    Attributes:
        name: letters, digits and `_`.
        title: for people.
        description: for models: when to call it, and what comes back.
        arguments: what it takes.
        result: what it gives; of what `run` returns, no other fields are shown.
        run: takes what reads collections, the arguments, and what is told of each statement.
    """

    name: str
    title: str
    description: str
    arguments: type[Taken]
    result: type[Result]
    run: Callable[[CollectionReader, Taken, OnStatement], Awaitable[dict[str, Any]]]


async def _list(reader: CollectionReader, _: NoArguments, __: OnStatement) -> dict[str, Any]:
    return {"collections": [asdict(found) for found in await reader.list_collections()]}


async def _search(reader: CollectionReader, asked: SearchToolArguments, _: OnStatement) -> dict[str, Any]:
    request = asked.to_request(reader.principal)
    found = await reader.search(asked.collection, request, snapshot=asked.snapshot)
    return show_response(found, is_explained=False)


async def _fetch(reader: CollectionReader, asked: FetchToolArguments, _: OnStatement) -> dict[str, Any]:
    request = asked.to_request(reader.principal)
    return show_document(await reader.show_document(asked.collection, request, snapshot=asked.snapshot))


async def _ask(reader: CollectionReader, asked: AskToolArguments, tell: OnStatement) -> dict[str, Any]:
    request = asked.to_request(reader.principal)
    answer = await reader.ask(asked.collection, request, snapshot=asked.snapshot, on_statement=tell)
    return show_cited_answer(answer, is_explained=False)


async def _look_up(
    reader: CollectionReader, asked: TableLookupToolArguments, _: OnStatement
) -> dict[str, Any]:
    request = asked.to_request(reader.principal)
    found = await reader.search(asked.collection, request, snapshot=asked.snapshot)
    rows = await reader.compute(
        lambda: find_rows(found.hits, label=asked.label, column=asked.column, k=asked.k)
    )
    return {"snapshot": found.explanation.snapshot, "rows": [_show_row(row) for row in rows]}


def _show_row(row: FoundRow) -> dict[str, Any]:
    cells = [{"column": column, "text": text} for column, text in row.cells]
    return {"label": row.label, "cells": cells, "citation": show_citation(row.citation)}


TOOLS: Final[tuple[Tool[Any], ...]] = (
    Tool(
        name="list_collections",
        title="List collections",
        description="Lists the collections that can be asked, by the names the other tools take.",
        arguments=NoArguments,
        result=CollectionsResult,
        run=_list,
    ),
    Tool(
        name="search",
        title="Search documents",
        description=(
            "Finds documents by words and by meaning, each with its best passage, as of any time. "
            "Use `fetch` to read one whole."
        ),
        arguments=SearchToolArguments,
        result=SearchResult,
        run=_search,
    ),
    Tool(
        name="fetch",
        title="Read a document",
        description="Reads a document by the passages the caller may see, as of any time.",
        arguments=FetchToolArguments,
        result=FetchResult,
        run=_fetch,
    ),
    Tool(
        name="ask",
        title="Answer a question",
        description=(
            "Answers a question from the documents. Every statement cites the sentences or table rows it "
            "stands on; where nothing answers, `is_answered` is false."
        ),
        arguments=AskToolArguments,
        result=AskResult,
        run=_ask,
    ),
    Tool(
        name="table_lookup",
        title="Look up rows of tables",
        description=(
            "Finds rows of tables by the words of their label and, if given, of a column, and returns the "
            "cells as the documents have them, with header, section and scale note. Says nothing of rows "
            "whose label lacks a word."
        ),
        arguments=TableLookupToolArguments,
        result=TableLookupResult,
        run=_look_up,
    ),
)
"""In the order in which they are listed."""
