"""`eagleray facets`: how many documents have which value of a column."""

from __future__ import annotations

import typer

from eagleray.cli.showing import (
    COLLECTION_OPTION,
    JSON_OPTION,
    STORE_OPTION,
    choose,
    show_json,
    show_table,
)
from eagleray.contracts.hits import FacetRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.times import parse_instant
from eagleray.parts import load_index_service
from eagleray.settings import load_settings


def facets(
    column: str = typer.Argument(help="An attribute, or a column every row has, such as source."),
    n: int = typer.Option(10, "-n", help="Number of values."),
    as_of: str = typer.Option("", help="ISO 8601 time; what was known then counts."),
    filter: str = typer.Option("", help="Rows that count, for example: year >= 2019"),  # noqa: A002 - the option's name
    group: list[str] = typer.Option([], help="A group of the caller; give it again for more."),
    snapshot: str = typer.Option("live", help="Alias or id."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Count the documents with each value of a column, as of any time, as a caller with these groups."""
    settings = load_settings(**choose(store=store, collection=collection))
    service = load_index_service(settings)
    request = FacetRequest(
        column=column,
        n=n,
        as_of=parse_instant(as_of) if as_of else None,
        filter=service.parse_filter(filter) if filter else None,
        principal=Principal(subject="command-line", groups=frozenset(group)),
    )
    rows = service.open_engine(snapshot=snapshot).count_values(request)
    if json:
        show_json(rows)
    else:
        show_table(rows, ("value", "documents"))
