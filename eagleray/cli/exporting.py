"""`eagleray export`: what a caller may see, as files of other tools."""

from __future__ import annotations

import typer

from eagleray.cli.showing import (
    COLLECTION_OPTION,
    JSON_OPTION,
    STORE_OPTION,
    choose,
    show_fields,
    show_json,
)
from eagleray.contracts.exchange import ExchangeFormat, ExportRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.times import parse_instant
from eagleray.parts import load_index_service
from eagleray.settings import load_settings


def export(
    snapshot: str = typer.Argument(help="Alias, id, or the first 8 digits of an id."),
    target: str = typer.Argument(help="Folder that takes the files; not there yet, or empty."),
    format: ExchangeFormat = typer.Option(ExchangeFormat.PARQUET, help="Files to write."),  # noqa: A002 - the option's name
    as_of: str = typer.Option("", help="ISO 8601 time; what was known then is written."),
    filter: str = typer.Option("", help="Rows to write, for example: year >= 2019"),  # noqa: A002 - the option's name
    group: list[str] = typer.Option([], help="A group of the caller; give it again for more."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Write the rows and vectors a caller with these groups may see, as of any time, as files."""
    settings = load_settings(**choose(store=store, collection=collection))
    request = ExportRequest(
        snapshot=snapshot,
        target=target,
        format=format,
        as_of=parse_instant(as_of) if as_of else None,
        filter=filter,
        principal=Principal(subject="command-line", groups=frozenset(group)),
    )
    report = load_index_service(settings).export(request)
    if json:
        show_json(report)
    else:
        show_fields(report)
