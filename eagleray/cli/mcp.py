"""`eagleray mcp`: the tools of the Model Context Protocol on a store, over standard input and output."""

from __future__ import annotations

import typer

from eagleray.cli.command import COLLECTION_OPTION, STORE_OPTION
from eagleray.cli.server_options import DEFAULT_ALIAS
from eagleray.parts import MCP
from eagleray.settings import load_named


def mcp(
    group: list[str] = typer.Option([], help="A group of the caller; repeat for more."),
    alias: str = typer.Option(DEFAULT_ALIAS, help="Alias that is asked."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
) -> None:
    """Give a program with a language model tools on a store, over standard input and output.

    The program starts this command by itself and ends it. All published collections can be asked; the one
    that is named comes first. What reads the store itself leaves no record in the audit log.
    """
    settings = load_named(store=store, collection=collection)
    MCP.load(settings).serve_stdio(groups=frozenset(group), alias=alias)
